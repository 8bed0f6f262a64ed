-- Delays that are over and leases that have ended. The holder of an ended lease keeps the lane until somebody else
-- claims it: worker and epoch stay.
UPDATE sourced_lanes
SET available_at = NULL,
    leased_until = NULL,
    ready = sourced_first
WHERE id IN (
    SELECT id FROM (SELECT id FROM sourced_lanes WHERE group_id = ?1 AND available_at <= sourced_now LIMIT 1000)
    UNION ALL
    SELECT id FROM (SELECT id FROM sourced_lanes WHERE group_id = ?1 AND leased_until <= sourced_now LIMIT 1000)
)
