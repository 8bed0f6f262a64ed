-- The first messages that each of the lanes ?1 has to handle: ?2 of what it owes and of what is pending, and of these as many as
-- have ?3 bytes. Only those are read whose sizes were added up.
SELECT sourced_columns, l.id AS lane_id,
    coalesce(
        (SELECT o.is_replay FROM sourced_owed o WHERE l.owes AND o.lane_id = l.id AND o.seq = m.seq),
        m.position <= l.max_acked) AS replaying
FROM (
    SELECT l.id AS lane_id, m.position AS position,
        row_number() OVER in_order AS nth, sum(sourced_size) OVER in_order AS bytes
    FROM json_each(?1) AS named
    CROSS JOIN sourced_lanes l ON l.id = named.value
    CROSS JOIN sourced_messages m ON m.position IN (
        SELECT * FROM (SELECT o.position FROM sourced_owing o WHERE o.lane_id = l.id ORDER BY o.seq LIMIT ?2)
        UNION ALL
        SELECT * FROM (SELECT p.position FROM sourced_pending p WHERE p.lane_id = l.id ORDER BY p.seq LIMIT ?2)
    )
    WINDOW in_order AS (PARTITION BY l.id ORDER BY m.seq)
) AS sized
CROSS JOIN sourced_lanes l ON l.id = sized.lane_id
CROSS JOIN sourced_messages m ON m.position = sized.position
CROSS JOIN sourced_streams s ON s.id = m.stream_id
WHERE sized.nth = 1 OR sized.nth <= ?2 AND sized.bytes <= ?3
ORDER BY l.id, m.seq
