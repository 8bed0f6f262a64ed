-- The types of group ?1 have changed, or what is acknowledged. Running claims are taken back, since acknowledging one
-- could jump over something; lanes are ready if they have anything to do, and otherwise idle.
UPDATE sourced_lanes
SET epoch = epoch + (worker IS NOT NULL),
    worker = NULL,
    leased_until = NULL,
    available_at = CASE
        WHEN sourced_first IS NOT NULL THEN available_at
    END,
    ready = CASE
        WHEN parked OR available_at IS NOT NULL THEN NULL
        ELSE sourced_first
    END
WHERE group_id = ?1 AND (ready IS NOT NULL OR worker IS NOT NULL OR available_at IS NOT NULL OR owes)
