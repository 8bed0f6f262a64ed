-- The messages of the stretch after $2 up to $3 of the group $1: those of the types $4 that it ($5) has not decided, and that
-- the lanes of their streams have not acknowledged. A lane older than $6 is set back to $7.
SELECT m.position, m.seq, m.id, m.kind, m.type, m.causation_id, m.correlation_id, m.created_at, m.decided_by,
       m.metadata::text AS metadata, m.payload::text AS payload, s.name AS stream, coalesce(m.seq <= l.max_seq, false) AS replaying
  FROM (SELECT * FROM {schema}.messages AS n
         WHERE n.position > $2 AND n.position <= $3 AND n.type = ANY($4) AND n.decided_by IS DISTINCT FROM $5
         ORDER BY n.position LIMIT {messages}) AS m
 -- One by one (`LIMIT`): the planner does not know how few messages there are, and would read all streams and lanes.
 CROSS JOIN LATERAL (SELECT name FROM {schema}.streams WHERE id = m.stream_id LIMIT 1) AS s
  LEFT JOIN LATERAL (
    SELECT acked_seq, max_seq, gen FROM {schema}.lanes WHERE group_id = $1 AND stream_id = m.stream_id LIMIT 1
  ) AS l ON true
 WHERE m.seq > coalesce(l.acked_seq, 0) OR l.gen < $6 AND m.position > $7
