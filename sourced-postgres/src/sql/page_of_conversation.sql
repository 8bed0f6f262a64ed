-- A page of the conversation $6: after $1, up to $2, at most $3. The offset keeps the planner from walking the whole log
-- in its order in the hope of meeting with the conversation soon.
SELECT s.name AS stream,
       m.position, m.seq, m.id, m.kind, m.type, m.causation_id, m.correlation_id, m.created_at, m.decided_by,
       m.metadata::text AS metadata, m.payload::text AS payload
  FROM (
    SELECT * FROM (SELECT * FROM {schema}.messages WHERE correlation_id = $6 OFFSET 0) AS m
     WHERE m.position > $1 AND m.position <= $2 {filter}
     ORDER BY m.position {order} LIMIT $3
  ) AS m
  JOIN {schema}.streams AS s ON s.id = m.stream_id
 ORDER BY m.position {order}
