-- Whether group ?1 does not run, or has yet to handle something that group ?2 has ever handled. Also when it has more to
-- handle than can be looked at: 1,000 lanes of a sort, each a few searches, and 10,000 messages that are not sorted into
-- lanes. So the writer is kept as long however many lanes the two have. CASE, since OR works out both of its sides.
SELECT CASE
    WHEN g.state <> 'active' THEN 1
    WHEN coalesce((SELECT max(position) FROM sourced_messages), 0) - g.hi > 10000 THEN 1
    WHEN (SELECT count(*) FROM (
        SELECT * FROM (SELECT 1 FROM sourced_lanes WHERE group_id = ?1 AND ready IS NOT NULL LIMIT 1000)
        UNION ALL
        SELECT * FROM (SELECT 1 FROM sourced_lanes WHERE group_id = ?1 AND available_at IS NOT NULL LIMIT 1000)
        UNION ALL
        SELECT * FROM (SELECT 1 FROM sourced_lanes WHERE group_id = ?1 AND leased_until IS NOT NULL LIMIT 1000)
        UNION ALL
        SELECT * FROM (SELECT 1 FROM sourced_lanes WHERE group_id = ?1 AND parked LIMIT 1000)
    )) >= 1000 THEN 1
    WHEN EXISTS (
        SELECT 1 FROM sourced_lanes
        WHERE id IN (
            SELECT id FROM sourced_lanes WHERE group_id = ?1 AND ready IS NOT NULL
            UNION ALL
            SELECT id FROM sourced_lanes WHERE group_id = ?1 AND available_at IS NOT NULL
            UNION ALL
            SELECT id FROM sourced_lanes WHERE group_id = ?1 AND leased_until IS NOT NULL
            UNION ALL
            SELECT id FROM sourced_lanes WHERE group_id = ?1 AND parked
        )
        AND sourced_first <= (
            SELECT max(o.acked, o.max_acked) FROM sourced_lanes o
            WHERE o.group_id = ?2 AND o.stream_id = sourced_lanes.stream_id)
    ) THEN 1
    ELSE EXISTS (
        SELECT 1 FROM sourced_messages m
        CROSS JOIN sourced_lanes o ON o.group_id = ?2 AND o.stream_id = m.stream_id AND max(o.acked, o.max_acked) >= m.position
        WHERE m.position > g.hi
          -- It may have handled it ahead of the pump.
          AND m.position > coalesce((SELECT n.acked FROM sourced_lanes n WHERE n.group_id = ?1 AND n.stream_id = m.stream_id), 0)
          AND m.decided_by IS NOT g.name
          AND EXISTS (SELECT 1 FROM sourced_group_types t WHERE t.group_id = ?1 AND t.type = m.type)
    )
END
FROM sourced_groups g
WHERE g.id = ?1
