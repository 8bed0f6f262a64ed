-- What there is to do for these groups. Reads only: it is all that idle polling costs.
SELECT g.name, g.id,
       g.state = 'active' AS is_active,
       cardinality(g.deferred) > 0
           -- Not `EXISTS (… position > g.hi)`: a third of the log is what the planner expects then, and reads it all.
           OR coalesce((SELECT max(m.position) FROM {schema}.messages AS m), 0) > g.hi
           OR EXISTS (SELECT FROM {schema}.messages AS m WHERE m.position = ANY(g.gaps)) AS behind,
       EXISTS (SELECT FROM {schema}.lanes AS l WHERE l.group_id = g.id AND l.due_at <= now()) AS due,
       (SELECT l.ready_pos FROM {schema}.lanes AS l
         WHERE l.group_id = g.id AND l.gen = g.gen AND l.state = 'ready' ORDER BY l.ready_pos LIMIT 1) AS oldest
  FROM {schema}.groups AS g
 WHERE g.name = ANY($1)
