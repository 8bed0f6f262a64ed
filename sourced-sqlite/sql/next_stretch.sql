-- The first ?6 messages in ?2 < position <= ?3 that group ?1 (its start: ?4, its name: ?5) has to handle: how many there are,
-- where the last of them is, and whether it has acknowledged one of them before.
SELECT count(*), coalesce(max(position), 0), coalesce(max(is_replay), 0)
FROM (
    SELECT m.position AS position, m.position <= l.max_acked AS is_replay
    FROM sourced_messages m
    LEFT JOIN sourced_lanes l ON l.group_id = ?1 AND l.stream_id = m.stream_id
    WHERE m.position > ?2
      AND m.position <= ?3
      AND m.position > coalesce(l.acked, ?4)
      AND m.decided_by IS NOT ?5
      AND EXISTS (SELECT 1 FROM sourced_group_types t WHERE t.group_id = ?1 AND t.type = m.type)
    ORDER BY m.position LIMIT ?6
)
