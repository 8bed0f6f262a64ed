-- Gives the lane of the claim $1 to $4 back to it, which has just acknowledged in this transaction: to be failed at once.
UPDATE {schema}.lanes AS l
   SET worker = $3
  FROM {schema}.groups AS g
 WHERE g.name = $1 AND l.group_id = g.id
   AND l.stream_id = (SELECT id FROM {schema}.streams WHERE name = $2)
   AND l.worker IS NULL AND l.epoch = $4
   -- What is left of a stretch is judged in its own lane.
   AND (l.stream_id <> 0 OR g.is_global)
