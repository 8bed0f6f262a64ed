-- The parked lanes of the group $1, after the stream $2 if any, at most $3.
SELECT s.name AS stream, f.name AS failed_stream, l.attempts, l.last_error, m.position, m.seq, m.id, m.type, l.failing_since, l.failed_at
  FROM {schema}.groups AS g
  JOIN {schema}.lanes AS l ON l.group_id = g.id AND l.gen = g.gen AND l.state = 'parked'
  JOIN {schema}.streams AS s ON s.id = l.stream_id
  JOIN {schema}.messages AS m ON m.position = l.failed_pos
  JOIN {schema}.streams AS f ON f.id = m.stream_id
 WHERE g.name = $1
   AND l.stream_id > coalesce((SELECT id FROM {schema}.streams WHERE name = $2), -1)
 ORDER BY l.stream_id LIMIT $3
