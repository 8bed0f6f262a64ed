-- Lanes with work, and at least one for a group with messages that are not sorted into lanes yet.
SELECT
    g.id,
    CASE WHEN g.state <> 'active' THEN 0 ELSE max(
        (SELECT count(*) FROM sourced_lanes WHERE group_id = g.id AND ready IS NOT NULL)
        + (SELECT count(*) FROM sourced_lanes WHERE group_id = g.id AND available_at IS NOT NULL)
        + (SELECT count(*) FROM sourced_lanes WHERE group_id = g.id AND leased_until IS NOT NULL),
        EXISTS (
            SELECT 1
            FROM sourced_messages m
            LEFT JOIN sourced_lanes l ON l.group_id = g.id AND l.stream_id = CASE WHEN g.is_global THEN 0 ELSE m.stream_id END
            WHERE m.position > g.hi
              AND m.position > coalesce(l.acked, g.start)
              AND m.decided_by IS NOT g.name
              AND EXISTS (SELECT 1 FROM sourced_group_types t WHERE t.group_id = g.id AND t.type = m.type)
              AND NOT coalesce(l.parked, 0)
        )) END
FROM sourced_groups g
WHERE g.name = ?1
