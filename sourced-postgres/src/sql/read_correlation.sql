SELECT s.name AS stream,
       m.position, m.seq, m.id, m.kind, m.type, m.causation_id, m.correlation_id, m.created_at, m.decided_by,
       m.metadata::text AS metadata, m.payload::text AS payload
  FROM {schema}.messages AS m
  JOIN {schema}.streams AS s ON s.id = m.stream_id
 WHERE m.correlation_id = $1
 ORDER BY m.position
