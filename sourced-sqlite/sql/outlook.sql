-- What a claim would find: asked of a reader, so that idle polling writes nothing.
SELECT
    g.id,
    g.name,
    g.start,
    g.state = 'active' AS is_active,
    g.hi < coalesce((SELECT max(position) FROM sourced_messages), 0) AS is_behind,
    EXISTS (SELECT 1 FROM sourced_lanes WHERE group_id = g.id AND ready IS NOT NULL) AS has_ready,
    EXISTS (SELECT 1 FROM sourced_lanes WHERE group_id = g.id AND available_at <= sourced_now)
        OR EXISTS (SELECT 1 FROM sourced_lanes WHERE group_id = g.id AND leased_until <= sourced_now) AS has_due
FROM json_each(?1) AS named
JOIN sourced_groups g ON g.name = named.value
