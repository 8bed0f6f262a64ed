-- What a claim would find, which is nothing in a stopped group or one that is held: asked of a reader, so that idle polling
-- writes nothing. A group of the list ?2 that is ?3 positions behind waits while somebody holds a stretch of it, and until what
-- is sorted into lanes is done, also by those whose leases end later than ?4 from now: they have just begun. Before the next
-- stretch, what was given back of the last one is sorted.
SELECT
    g.id,
    g.name,
    g.start,
    g.state = 'active' AND g.hi < g.log_end AS is_behind,
    g.state = 'active' AND g.held_until <= sourced_now AND EXISTS (SELECT 1 FROM sourced_lanes WHERE group_id = g.id AND ready IS NOT NULL) AS has_ready,
    g.state = 'active' AND g.held_until <= sourced_now AND (
        EXISTS (SELECT 1 FROM sourced_lanes WHERE group_id = g.id AND available_at <= sourced_now)
        OR EXISTS (SELECT 1 FROM sourced_lanes WHERE group_id = g.id AND leased_until <= sourced_now)) AS has_due,
    g.is_global,
    g.hi,
    g.log_end,
    CASE
        WHEN g.is_global OR g.name NOT IN (SELECT value FROM json_each(?2)) THEN 'sort'
        WHEN EXISTS (SELECT 1 FROM sourced_lanes WHERE group_id = g.id AND stream_id = 0 AND leased_until > sourced_now) THEN 'wait'
        WHEN g.hi + ?3 > g.log_end THEN 'sort'
        WHEN g.hi < (SELECT acked_seq FROM sourced_lanes WHERE group_id = g.id AND stream_id = 0) THEN 'sort'
        WHEN EXISTS (SELECT 1 FROM sourced_lanes WHERE group_id = g.id AND available_at IS NOT NULL) THEN 'sort'
        WHEN EXISTS (SELECT 1 FROM sourced_lanes WHERE group_id = g.id AND parked) THEN 'sort'
        WHEN EXISTS (SELECT 1 FROM sourced_lanes WHERE group_id = g.id AND ready IS NOT NULL) THEN 'wait'
        WHEN EXISTS (SELECT 1 FROM sourced_lanes WHERE group_id = g.id AND leased_until > sourced_now + ?4) THEN 'wait'
        WHEN EXISTS (SELECT 1 FROM sourced_lanes WHERE group_id = g.id AND leased_until IS NOT NULL) THEN 'sort'
        WHEN g.held_until > sourced_now THEN 'wait'
        ELSE 'stretch'
    END AS next_step
FROM json_each(?1) AS named
CROSS JOIN (SELECT *, (SELECT coalesce(max(position), 0) FROM sourced_messages) AS log_end FROM sourced_groups) AS g ON g.name = named.value
