-- Notes whether lane ?1 owes anything.
UPDATE sourced_lanes
SET owes = EXISTS (
    SELECT 1 FROM sourced_owed o
    CROSS JOIN sourced_group_types t ON t.group_id = sourced_lanes.group_id AND t.type = o.type
    WHERE o.lane_id = sourced_lanes.id)
WHERE id = ?1
