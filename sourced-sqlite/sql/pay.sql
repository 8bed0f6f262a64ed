-- Takes what lane ?1 owes up to position ?2 off it, after an ack of that.
DELETE FROM sourced_owed
WHERE lane_id = ?1
  AND position <= ?2
  AND type IN (SELECT t.type FROM sourced_group_types t WHERE t.group_id = (SELECT l.group_id FROM sourced_lanes l WHERE l.id = ?1))
