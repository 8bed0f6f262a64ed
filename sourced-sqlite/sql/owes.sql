-- Notes whether the lanes of group ?1 owe anything.
UPDATE sourced_lanes
SET owes = EXISTS (
    SELECT 1 FROM sourced_owed o
    CROSS JOIN sourced_group_types t ON t.group_id = ?1 AND t.type = o.type
    WHERE o.lane_id = sourced_lanes.id)
WHERE group_id = ?1
