-- Whether group ?1 does not run, or has yet to handle something that group ?2 has handled. What is dear comes last.
SELECT
    g.state <> 'active'
    OR EXISTS (
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
        AND sourced_first <= (SELECT o.acked FROM sourced_lanes o WHERE o.group_id = ?2 AND o.stream_id = sourced_lanes.stream_id)
    )
    OR g.hi < coalesce((SELECT min(max(acked), (SELECT max(position) FROM sourced_messages)) FROM sourced_lanes WHERE group_id = ?2), 0)
FROM sourced_groups g
WHERE g.id = ?1
