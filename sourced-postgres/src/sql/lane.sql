SELECT l.acked_pos, l.acked_epoch, l.state,
       l.stream_id = 0 AND NOT (SELECT is_global FROM {schema}.groups WHERE name = $1) AS is_of_stretches,
       l.attempts, l.last_error, m.position, m.seq, m.id, ltrim(m.type, '!') AS type, l.failing_since, l.failed_at, f.name AS failed_stream
  FROM {schema}.lanes AS l
  LEFT JOIN {schema}.messages AS m ON m.position = l.failed_pos
  LEFT JOIN {schema}.streams AS f ON f.id = m.stream_id
 WHERE l.group_id = (SELECT id FROM {schema}.groups WHERE name = $1)
   AND l.stream_id = (SELECT id FROM {schema}.streams WHERE name = $2)
