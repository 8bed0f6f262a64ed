-- The last time that the message at the position $2 was skipped for the group $1.
SELECT i.id AS number, i.remedy, s.name AS stream, m.seq, m.position, m.id, ltrim(m.type, '!') AS type, i.attempts, i.error, i.reason, i.done_at
  FROM {schema}.groups AS g
  JOIN {schema}.interventions AS i ON i.group_id = g.id AND i.remedy = 'skipped'
  JOIN {schema}.messages AS m ON m.position = i.position
  JOIN {schema}.streams AS s ON s.id = m.stream_id
 WHERE g.name = $1 AND i.position = $2
 ORDER BY i.id DESC LIMIT 1
