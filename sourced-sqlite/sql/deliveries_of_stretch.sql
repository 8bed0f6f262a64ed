-- As `deliveries.sql`, for the stretch that lane ?1 holds. While somebody holds one, no lane owes anything.
SELECT sourced_columns, z.id AS lane_id, coalesce(m.position <= l.max_acked, 0) AS replaying
FROM sourced_lanes z
CROSS JOIN sourced_groups g ON g.id = z.group_id
CROSS JOIN sourced_messages m ON m.position > z.acked AND m.position <= z.acked_seq
LEFT JOIN sourced_lanes l ON l.group_id = g.id AND l.stream_id = m.stream_id
CROSS JOIN sourced_streams s ON s.id = m.stream_id
WHERE z.id = ?1
  AND m.position > coalesce(l.acked, g.start)
  AND m.decided_by IS NOT g.name
  AND EXISTS (SELECT 1 FROM sourced_group_types t WHERE t.group_id = g.id AND t.type = m.type)
ORDER BY m.position
