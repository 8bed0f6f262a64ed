-- Sets the lanes of group ?1 back to position ?2, or only that of stream ?3. Which of them are ready is worked out next.
-- Differs from Postgres: there is one writer, so all lanes are set back at once, and none is ever behind.
UPDATE sourced_lanes
SET acked = min(acked, ?2),
    acked_seq = min(acked_seq, coalesce(
        (SELECT max(m.seq) FROM sourced_messages m WHERE m.stream_id = sourced_lanes.stream_id AND m.position <= ?2), 0)),
    ready = 0,
    available_at = NULL,
    leased_until = NULL,
    parked = 0,
    attempts = 0,
    last_error = NULL,
    worker = NULL,
    epoch = epoch + 1
WHERE group_id = ?1
  AND (?3 IS NULL OR stream_id = (SELECT id FROM sourced_streams WHERE name = ?3))
  AND (acked > ?2 OR coalesce(ready, available_at, leased_until) IS NOT NULL OR parked OR worker IS NOT NULL)
