-- All groups, and how far they are. Lanes are counted up to 10,000 of a sort.
SELECT g.name, g.types, g.state, g.state_reason, g.state_at, g.state_pos, ltrim(f.type, '!') AS state_type, g.hi,
       (SELECT coalesce(max(m.position), 0) FROM {schema}.messages AS m) AS log_end,
       (SELECT count(*) FROM (SELECT FROM {schema}.lanes AS l
         WHERE l.group_id = g.id AND l.gen = g.gen AND l.state = 'ready' LIMIT 10000) AS ready)
       + (SELECT count(*) FROM (SELECT FROM {schema}.lanes AS l
           WHERE l.group_id = g.id AND l.gen = g.gen AND l.due_at IS NOT NULL LIMIT 10000) AS due) AS pending,
       (SELECT count(*) FROM (SELECT FROM {schema}.lanes AS l
         WHERE l.group_id = g.id AND l.gen = g.gen AND l.state = 'parked' LIMIT 10000) AS parked) AS parked,
       least((SELECT l.ready_pos FROM {schema}.lanes AS l
               WHERE l.group_id = g.id AND l.gen = g.gen AND l.state = 'ready' ORDER BY l.ready_pos LIMIT 1),
             (SELECT min(due.ready_pos) FROM (SELECT l.ready_pos FROM {schema}.lanes AS l
               WHERE l.group_id = g.id AND l.gen = g.gen AND l.due_at IS NOT NULL LIMIT 10000) AS due)) AS oldest,
       coalesce((SELECT l.acked_seq < l.max_seq FROM {schema}.lanes AS l
                  WHERE l.group_id = g.id AND l.gen = g.gen AND l.state = 'ready' ORDER BY l.ready_pos LIMIT 1), false)
       OR EXISTS (SELECT FROM (SELECT l.acked_seq, l.max_seq FROM {schema}.lanes AS l
                   WHERE l.group_id = g.id AND l.gen = g.gen AND l.due_at IS NOT NULL LIMIT 10000) AS due
                   WHERE due.acked_seq < due.max_seq) AS is_replaying
  FROM {schema}.groups AS g
  LEFT JOIN {schema}.messages AS f ON f.position = g.state_pos
 WHERE g.state <> 'removed'
 ORDER BY g.name
