-- The types of group ?1 have changed. Running claims are taken back, since acknowledging one could jump over a message
-- of a new type; lanes that have nothing to do any more become idle.
UPDATE sourced_lanes
SET epoch = epoch + (worker IS NOT NULL),
    worker = NULL,
    leased_until = NULL,
    available_at = CASE
        WHEN EXISTS (SELECT 1 FROM sourced_pending p WHERE p.lane_id = sourced_lanes.id) THEN available_at
    END,
    ready = CASE
        WHEN parked OR available_at IS NOT NULL THEN NULL
        ELSE (SELECT p.position FROM sourced_pending p WHERE p.lane_id = sourced_lanes.id ORDER BY p.seq LIMIT 1)
    END
WHERE group_id = ?1 AND (ready IS NOT NULL OR worker IS NOT NULL OR available_at IS NOT NULL)
