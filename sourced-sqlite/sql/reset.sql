-- Sets the lanes of group ?1 back to position ?2, or only that of stream ?3. Which of them are ready is worked out next: of all
-- lanes, those with something below ?2; the others get theirs from the pump, which goes back, too.
-- Differs from Postgres: there is one writer, so all lanes are set back at once, and none is ever behind.
UPDATE sourced_lanes
SET acked = min(acked, ?2),
    acked_seq = min(acked_seq, coalesce(
        (SELECT max(m.seq) FROM sourced_messages m WHERE m.stream_id = sourced_lanes.stream_id AND m.position <= ?2), 0)),
    ready = CASE WHEN ?3 IS NOT NULL OR stream_id = 0 OR acked < ?2 OR owes THEN 0 END,
    available_at = NULL,
    leased_until = NULL,
    parked = 0,
    attempts = 0,
    last_error = NULL,
    worker = NULL,
    epoch = epoch + 1
WHERE group_id = ?1
  AND (?3 IS NULL OR stream_id = (SELECT id FROM sourced_streams WHERE name = ?3))
  AND (stream_id <> 0 OR (SELECT is_global FROM sourced_groups WHERE id = ?1))
  AND (acked > ?2 OR coalesce(ready, available_at, leased_until) IS NOT NULL OR parked OR worker IS NOT NULL)
