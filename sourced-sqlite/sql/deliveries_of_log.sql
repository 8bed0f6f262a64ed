-- As `deliveries.sql`, for lanes of groups in global order: the next ?2 messages of each, and of these as many as have ?3 bytes.
SELECT sourced_columns, l.id AS lane_id,
    m.position <= min(l.max_acked, coalesce(
        (SELECT a.upto FROM sourced_acked_types a WHERE a.group_id = l.group_id AND a.type = m.type), l.max_acked)) AS replaying
FROM (
    SELECT l.id AS lane_id, m.position AS position,
        row_number() OVER in_order AS nth, sum(sourced_size) OVER in_order AS bytes
    FROM json_each(?1) AS named
    CROSS JOIN sourced_lanes l ON l.id = named.value
    CROSS JOIN sourced_groups g ON g.id = l.group_id
    CROSS JOIN sourced_messages m ON m.position IN (
        SELECT p.position FROM sourced_messages p
        WHERE p.position > l.acked AND p.position <= l.head
          AND p.decided_by IS NOT g.name
          AND EXISTS (SELECT 1 FROM sourced_group_types t WHERE t.group_id = g.id AND t.type = p.type)
        ORDER BY p.position LIMIT ?2
    )
    WINDOW in_order AS (PARTITION BY l.id ORDER BY m.position)
) AS sized
CROSS JOIN sourced_lanes l ON l.id = sized.lane_id
CROSS JOIN sourced_messages m ON m.position = sized.position
CROSS JOIN sourced_streams s ON s.id = m.stream_id
WHERE sized.nth = 1 OR sized.bytes <= ?3
ORDER BY l.id, m.position
