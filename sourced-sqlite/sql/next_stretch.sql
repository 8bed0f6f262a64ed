-- The first ?6 messages in ?2 < position <= ?3 that group ?1 (its start: ?4, its name: ?5) has to handle: how many there are,
-- how many of them have ?7 bytes, where the last of these is, and whether it has acknowledged one of these before.
SELECT count(*), count(*) FILTER (WHERE fits),
    coalesce(max(position) FILTER (WHERE fits), 0), coalesce(max(is_replay) FILTER (WHERE fits), 0)
FROM (
    SELECT position, is_replay, row_number() OVER in_order = 1 OR sum(size) OVER in_order <= ?7 AS fits
    FROM (
        SELECT m.position AS position, m.position <= l.max_acked AS is_replay, sourced_size AS size
        FROM sourced_messages m
        LEFT JOIN sourced_lanes l ON l.group_id = ?1 AND l.stream_id = m.stream_id
        WHERE m.position > ?2
          AND m.position <= ?3
          AND m.position > coalesce(l.acked, ?4)
          AND m.decided_by IS NOT ?5
          AND EXISTS (SELECT 1 FROM sourced_group_types t WHERE t.group_id = ?1 AND t.type = m.type)
        ORDER BY m.position LIMIT ?6
    ) AS sized
    WINDOW in_order AS (ORDER BY position)
)
