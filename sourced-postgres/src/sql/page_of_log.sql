-- A page of the log: after $1, up to $2, at most $3. The inner limit is the planner's: a literal not below $3.
SELECT s.name AS stream,
       m.position, m.seq, m.id, m.kind, m.type, m.causation_id, m.correlation_id, m.created_at, m.decided_by,
       m.metadata::text AS metadata, m.payload::text AS payload
  FROM (
    SELECT * FROM (
        SELECT m.* FROM {schema}.messages AS m
         WHERE m.position > $1 AND m.position <= $2 {filter}
         ORDER BY m.position {order} LIMIT {limit}
    ) AS part ORDER BY position {order} LIMIT $3
  ) AS m
  JOIN {schema}.streams AS s ON s.id = m.stream_id
 ORDER BY m.position {order}
