-- The message at a position, and the newest one.
SELECT (SELECT m.id FROM {schema}.messages AS m WHERE m.position = $1) AS marked, n.position, n.id
  FROM (SELECT) AS one
  LEFT JOIN LATERAL (SELECT m.position, m.id FROM {schema}.messages AS m ORDER BY m.position DESC LIMIT 1) AS n ON true
