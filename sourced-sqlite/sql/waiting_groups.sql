-- The groups that have to handle a message of stream ?1 up to seq ?2, or up to the seq that ?3 pairs with their name: with
-- the first one that waits.
SELECT name, first FROM (
    SELECT g.name AS name, min(
        coalesce((
            SELECT m.seq FROM sourced_messages m
            WHERE m.stream_id = ?1
              AND m.seq > coalesce((SELECT l.acked_seq FROM sourced_lanes l WHERE l.group_id = g.id AND l.stream_id = ?1), 0)
              AND m.position > CASE WHEN g.is_global
                    THEN (SELECT l.acked FROM sourced_lanes l WHERE l.group_id = g.id AND l.stream_id = 0)
                    ELSE g.start END
              AND m.decided_by IS NOT g.name
              AND EXISTS (SELECT 1 FROM sourced_group_types t WHERE t.group_id = g.id AND t.type = m.type)
            ORDER BY m.seq LIMIT 1), 9223372036854775807),
        coalesce((
            SELECT o.seq FROM sourced_lanes l
            CROSS JOIN sourced_owed o ON o.lane_id = l.id
            CROSS JOIN sourced_group_types t ON t.group_id = g.id AND t.type = o.type
            WHERE l.group_id = g.id AND l.stream_id = ?1 AND l.owes
            ORDER BY o.seq LIMIT 1), 9223372036854775807)) AS first
    FROM sourced_groups g
    WHERE g.state IN ('active', 'stopped', 'failed')
)
WHERE first <= max(?2, coalesce((SELECT max(value ->> 1) FROM json_each(?3) WHERE value ->> 0 = name), 0))
ORDER BY name LIMIT 1
