-- Sorts the messages in ?2 < position <= ?3 into the lanes of group ?1 (its start: ?4, its name: ?5). Safe to do again.
INSERT INTO sourced_lanes (group_id, stream_id, head, acked, acked_seq, ready, epoch)
SELECT ?1, m.stream_id, max(m.position), ?4, min(m.seq) - 1, min(m.position), ?1 << 32
FROM sourced_messages m
LEFT JOIN sourced_lanes l ON l.group_id = ?1 AND l.stream_id = m.stream_id
WHERE m.position > ?2
  AND m.position <= ?3
  AND m.position > coalesce(l.acked, ?4)
  AND m.decided_by IS NOT ?5
  AND EXISTS (SELECT 1 FROM sourced_group_types t WHERE t.group_id = ?1 AND t.type = m.type)
GROUP BY m.stream_id
ON CONFLICT (group_id, stream_id) DO UPDATE SET
    head = max(head, excluded.head),
    acked_seq = min(acked_seq, excluded.acked_seq),
    ready = CASE
        WHEN parked OR available_at IS NOT NULL OR leased_until IS NOT NULL THEN NULL
        ELSE min(coalesce(ready, excluded.ready), excluded.ready)
    END
