-- Group ?1 (named ?2, started at ?4) takes up the types ?3. What its lanes have passed of them meanwhile is owed.
INSERT INTO sourced_owed (lane_id, seq, position, type, is_replay)
SELECT l.id, m.seq, m.position, m.type, 0
FROM sourced_messages m
CROSS JOIN sourced_lanes l ON l.group_id = ?1 AND l.stream_id = m.stream_id
WHERE m.position > (
    SELECT min(coalesce(u.hi, ?4)) FROM json_each(?3) AS named
    LEFT JOIN sourced_given_up_types u ON u.group_id = ?1 AND u.type = named.value)
  AND m.type IN (SELECT value FROM json_each(?3))
  AND m.position > coalesce((SELECT u.hi FROM sourced_given_up_types u WHERE u.group_id = ?1 AND u.type = m.type), ?4)
  AND m.decided_by IS NOT ?2
  AND (m.seq <= l.acked_seq OR m.position <= l.max_acked)
ON CONFLICT DO NOTHING
