-- A lane given back by its holder: ready when something is pending, idle otherwise.
UPDATE sourced_lanes
SET worker = NULL,
    available_at = NULL,
    leased_until = NULL,
    ready = (SELECT p.position FROM sourced_pending p WHERE p.lane_id = sourced_lanes.id ORDER BY p.seq LIMIT 1)
WHERE id = ?1
