-- The first ready lanes of each of the groups ?1, at most ?2 of each.
-- Differs from Postgres: SQLite has no LATERAL; the correlated IN does the same.
SELECT named.value AS group_id, l.id
FROM json_each(?1) AS named
CROSS JOIN sourced_groups g ON g.id = named.value AND g.state = 'active' AND g.held_until <= sourced_now
CROSS JOIN sourced_lanes l ON l.id IN (
    SELECT c.id FROM sourced_lanes c WHERE c.group_id = named.value AND c.ready IS NOT NULL ORDER BY c.ready LIMIT ?2
)
ORDER BY named.key, l.ready
