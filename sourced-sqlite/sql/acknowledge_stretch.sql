-- Acknowledges the stretch that lane ?1 holds up to position ?2, and gives it back. Each lane of its streams is left as if it
-- had been claimed and acknowledged by itself. While somebody holds a stretch, none of them has work, waits or owes anything.
-- No other bound from below: SQLite would take it for where to begin.
INSERT INTO sourced_lanes (group_id, stream_id, head, acked, acked_seq, max_acked, epoch)
SELECT g.id, m.stream_id, max(m.position), max(m.position), max(m.seq), max(m.position), g.id << 32
FROM sourced_lanes z
CROSS JOIN sourced_groups g ON g.id = z.group_id
CROSS JOIN sourced_messages m ON m.position > z.acked AND m.position <= z.acked_seq
WHERE z.id = ?1
  AND m.position <= ?2
  AND m.decided_by IS NOT g.name
  AND EXISTS (SELECT 1 FROM sourced_group_types t WHERE t.group_id = g.id AND t.type = m.type)
GROUP BY m.stream_id
ON CONFLICT (group_id, stream_id) DO UPDATE SET
    head = max(head, excluded.head),
    acked = max(acked, excluded.acked),
    acked_seq = max(acked_seq, excluded.acked_seq),
    max_acked = max(max_acked, excluded.max_acked),
    attempts = 0,
    last_error = NULL,
    worker = NULL;

-- What lies behind the last message of the stretch is for others.
UPDATE sourced_groups
SET hi = max(hi, (
    SELECT CASE WHEN EXISTS (
            SELECT 1 FROM sourced_messages m
            LEFT JOIN sourced_lanes l ON l.group_id = z.group_id AND l.stream_id = m.stream_id
            WHERE m.position > ?2
              AND m.position <= z.acked_seq
              AND m.position > coalesce(l.acked, sourced_groups.start)
              AND m.decided_by IS NOT sourced_groups.name
              AND EXISTS (SELECT 1 FROM sourced_group_types t WHERE t.group_id = z.group_id AND t.type = m.type))
        THEN ?2 ELSE z.acked_seq END
    FROM sourced_lanes z WHERE z.id = ?1))
WHERE id = (SELECT group_id FROM sourced_lanes WHERE id = ?1);

UPDATE sourced_lanes SET worker = NULL, leased_until = NULL WHERE id = ?1
