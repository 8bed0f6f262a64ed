-- What was done about messages that failed for the group $1: the records of the remedy $2 after the number $3, at most
-- $4.
SELECT i.id AS number, i.remedy, s.name AS stream, m.seq, m.position, m.id, ltrim(m.type, '!') AS type, i.attempts, i.error, i.reason, i.done_at
  FROM {schema}.groups AS g
  JOIN {schema}.interventions AS i ON i.group_id = g.id
  JOIN {schema}.messages AS m ON m.position = i.position
  JOIN {schema}.streams AS s ON s.id = m.stream_id
 WHERE g.name = $1 AND i.remedy = $2 AND i.id > $3
 ORDER BY i.id LIMIT $4
