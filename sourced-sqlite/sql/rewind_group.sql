-- The pump goes back to the first message of the types ?2 that group ?1 (started at ?3) did not handle when it was stored.
UPDATE sourced_groups
SET hi = min(hi, coalesce((
    SELECT m.position - 1 FROM sourced_messages m
    WHERE m.position > (
        SELECT min(coalesce(u.hi, ?3)) FROM json_each(?2) AS named
        LEFT JOIN sourced_given_up_types u ON u.group_id = ?1 AND u.type = named.value)
      AND m.type IN (SELECT value FROM json_each(?2))
      AND m.position > coalesce((SELECT u.hi FROM sourced_given_up_types u WHERE u.group_id = ?1 AND u.type = m.type), ?3)
    ORDER BY m.position LIMIT 1), hi))
WHERE id = ?1
