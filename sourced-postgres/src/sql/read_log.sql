-- The log after $1 up to the horizon $2, at most $3. The inner limit is the planner's: a literal not below $3.
SELECT s.name AS stream,
       m.position, m.seq, m.id, m.kind, m.type, m.causation_id, m.correlation_id, m.created_at, m.decided_by,
       m.metadata::text AS metadata, m.payload::text AS payload
  FROM (
    SELECT * FROM (
        SELECT * FROM {schema}.messages WHERE position > $1 AND position <= $2 AND left(type, 1) <> '!' ORDER BY position LIMIT {limit}
    ) AS part ORDER BY position LIMIT $3
  ) AS m
  JOIN {schema}.streams AS s ON s.id = m.stream_id
 ORDER BY m.position
