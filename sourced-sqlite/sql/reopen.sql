-- A lane given back by its holder: ready when something is pending, idle otherwise.
UPDATE sourced_lanes
SET worker = NULL,
    available_at = NULL,
    leased_until = NULL,
    ready = sourced_first
WHERE id = ?1
