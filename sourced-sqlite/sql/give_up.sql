-- Group ?1 (named ?2) stops handling the types ?3. What is pending of them is owed from now on: its lane goes on without.
INSERT INTO sourced_owed (lane_id, seq, position, type, is_replay)
SELECT l.id, m.seq, m.position, m.type, m.position <= l.max_acked
FROM sourced_lanes l
CROSS JOIN sourced_messages m ON m.stream_id = l.stream_id AND m.seq > l.acked_seq
WHERE l.group_id = ?1
  AND m.type IN (SELECT value FROM json_each(?3))
  AND m.decided_by IS NOT ?2
ON CONFLICT DO NOTHING
