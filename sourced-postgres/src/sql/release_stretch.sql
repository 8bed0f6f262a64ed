-- Gives back the stretch of the claim $1 to $3. No row: the group is in global order; else whether the claim was not lost.
WITH of AS (
    SELECT id, hi FROM {schema}.groups WHERE name = $1 AND NOT is_global
), released AS (
    UPDATE {schema}.lanes AS l SET state = 'idle', worker = NULL, due_at = NULL
      FROM of WHERE l.group_id = of.id AND l.stream_id = 0 AND l.worker = $2 AND l.epoch = $3
    RETURNING l.acked_seq = of.hi AS was_held
)
SELECT coalesce((SELECT was_held FROM released), false) FROM of
