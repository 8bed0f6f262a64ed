-- Whether a message for group ?1 in stream ?2 below seq ?3 is not acknowledged: ready, claimed, delayed, parked or not
-- sorted into a lane yet. Also when the group is held. In global order that would be a question about the whole log, which
-- moves on: it is never sure.
SELECT g.is_global OR EXISTS (
    SELECT 1 FROM sourced_messages m
    WHERE m.stream_id = s.id
      AND m.seq > coalesce((SELECT l.acked_seq FROM sourced_lanes l WHERE l.group_id = g.id AND l.stream_id = s.id), 0)
      AND m.seq < ?3
      AND m.position > g.start
      AND m.decided_by IS NOT g.name
      AND EXISTS (SELECT 1 FROM sourced_group_types t WHERE t.group_id = g.id AND t.type = m.type))
OR EXISTS (
    SELECT 1 FROM sourced_lanes l
    CROSS JOIN sourced_owed o ON o.lane_id = l.id
    CROSS JOIN sourced_group_types t ON t.group_id = g.id AND t.type = o.type
    WHERE l.group_id = g.id AND l.stream_id = s.id AND l.owes)
OR g.held_until > sourced_now
FROM sourced_groups g, sourced_streams s
WHERE g.name = ?1 AND s.name = ?2
