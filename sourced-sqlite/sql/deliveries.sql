-- The first ?2 pending messages of each of the lanes ?1.
SELECT sourced_columns, l.id AS lane_id
FROM json_each(?1) AS named
CROSS JOIN sourced_lanes l ON l.id = named.value
CROSS JOIN sourced_messages m ON m.position IN (
    SELECT p.position FROM sourced_pending p WHERE p.lane_id = l.id ORDER BY p.seq LIMIT ?2
)
CROSS JOIN sourced_streams s ON s.id = m.stream_id
ORDER BY l.id, m.seq
