-- Lanes with work, and streams whose new messages are not sorted into one of those yet.
-- NOT INDEXED: for the sake of DISTINCT, SQLite would read the index of all streams instead of the end of the log.
SELECT
    g.id,
    CASE WHEN g.state <> 'active' THEN 0 ELSE (SELECT count(*) FROM sourced_lanes WHERE group_id = g.id AND ready IS NOT NULL)
    + (SELECT count(*) FROM sourced_lanes WHERE group_id = g.id AND available_at IS NOT NULL)
    + (SELECT count(*) FROM sourced_lanes WHERE group_id = g.id AND leased_until IS NOT NULL)
    + (
        SELECT count(DISTINCT CASE WHEN g.is_global THEN 0 ELSE m.stream_id END)
        FROM sourced_messages m NOT INDEXED
        LEFT JOIN sourced_lanes l ON l.group_id = g.id AND l.stream_id = CASE WHEN g.is_global THEN 0 ELSE m.stream_id END
        WHERE m.position > g.hi
          AND m.position > coalesce(l.acked, g.start)
          AND m.decided_by IS NOT g.name
          AND EXISTS (SELECT 1 FROM sourced_group_types t WHERE t.group_id = g.id AND t.type = m.type)
          AND coalesce(l.ready, l.available_at, l.leased_until) IS NULL
          AND NOT coalesce(l.parked, 0)
    ) END
FROM sourced_groups g
WHERE g.name = ?1
