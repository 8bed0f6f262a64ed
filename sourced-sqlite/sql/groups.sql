-- All groups, and how far they are. Lanes are counted up to 10,000 of a sort.
SELECT
    g.name,
    g.state,
    g.state_reason,
    g.state_at,
    g.state_pos,
    ltrim(f.type, '!') AS state_type,
    g.hi,
    (SELECT coalesce(max(position), 0) FROM sourced_messages) AS log_end,
    (SELECT json_group_array(type) FROM (SELECT type FROM sourced_group_types WHERE group_id = g.id ORDER BY type)) AS types,
    (SELECT count(*) FROM (SELECT 1 FROM sourced_lanes WHERE group_id = g.id AND ready IS NOT NULL LIMIT 10000))
    + (SELECT count(*) FROM (SELECT 1 FROM sourced_lanes WHERE group_id = g.id AND available_at IS NOT NULL LIMIT 10000))
    + (SELECT count(*) FROM (SELECT 1 FROM sourced_lanes WHERE group_id = g.id AND leased_until IS NOT NULL LIMIT 10000)) AS pending,
    (SELECT count(*) FROM (SELECT 1 FROM sourced_lanes WHERE group_id = g.id AND parked LIMIT 10000)) AS parked,
    (
        SELECT min(first) FROM (
            SELECT min(ready) AS first FROM sourced_lanes WHERE group_id = g.id AND ready IS NOT NULL
            UNION ALL
            SELECT * FROM (SELECT sourced_first FROM sourced_lanes WHERE group_id = g.id AND available_at IS NOT NULL LIMIT 10000)
            UNION ALL
            SELECT * FROM (SELECT coalesce(sourced_first, acked + 1) FROM sourced_lanes WHERE group_id = g.id AND leased_until IS NOT NULL LIMIT 10000)
        )
    ) AS oldest,
    coalesce((SELECT acked < max_acked FROM sourced_lanes WHERE group_id = g.id AND ready IS NOT NULL ORDER BY ready LIMIT 1), 0)
    OR EXISTS (
        SELECT 1 FROM (
            SELECT * FROM (SELECT acked, max_acked FROM sourced_lanes WHERE group_id = g.id AND available_at IS NOT NULL LIMIT 10000)
            UNION ALL
            SELECT * FROM (SELECT acked, max_acked FROM sourced_lanes WHERE group_id = g.id AND leased_until IS NOT NULL LIMIT 10000)
        ) WHERE acked < max_acked
    ) AS is_replaying
FROM sourced_groups g
LEFT JOIN sourced_messages f ON f.position = g.state_pos
WHERE g.state IN ('active', 'stopped', 'failed')
ORDER BY g.name
