-- The first messages that each of the lanes ?1 has to handle: ?2 of what it owes, and ?2 of what is pending.
SELECT sourced_columns, l.id AS lane_id,
    coalesce(
        (SELECT o.is_replay FROM sourced_owed o WHERE l.owes AND o.lane_id = l.id AND o.seq = m.seq),
        m.position <= l.max_acked) AS replaying
FROM json_each(?1) AS named
CROSS JOIN sourced_lanes l ON l.id = named.value
CROSS JOIN sourced_messages m ON m.position IN (
    SELECT * FROM (SELECT o.position FROM sourced_owing o WHERE o.lane_id = l.id ORDER BY o.seq LIMIT ?2)
    UNION ALL
    SELECT * FROM (SELECT p.position FROM sourced_pending p WHERE p.lane_id = l.id ORDER BY p.seq LIMIT ?2)
)
CROSS JOIN sourced_streams s ON s.id = m.stream_id
ORDER BY l.id, m.seq
