-- What a claim would find, which is nothing in a stopped group or one that is held: asked of a reader, so that idle polling writes nothing.
SELECT
    g.id,
    g.name,
    g.start,
    g.state = 'active' AND g.hi < coalesce((SELECT max(position) FROM sourced_messages), 0) AS is_behind,
    g.state = 'active' AND g.held_until <= sourced_now AND EXISTS (SELECT 1 FROM sourced_lanes WHERE group_id = g.id AND ready IS NOT NULL) AS has_ready,
    g.state = 'active' AND g.held_until <= sourced_now AND (
        EXISTS (SELECT 1 FROM sourced_lanes WHERE group_id = g.id AND available_at <= sourced_now)
        OR EXISTS (SELECT 1 FROM sourced_lanes WHERE group_id = g.id AND leased_until <= sourced_now)) AS has_due,
    g.is_global
FROM json_each(?1) AS named
JOIN sourced_groups g ON g.name = named.value
