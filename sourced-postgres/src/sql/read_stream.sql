-- A part of the stream $1: after $2, up to $3, of the kind $4 if any, at most $5.
SELECT m.position, m.seq, m.id, m.kind, m.type, m.causation_id, m.correlation_id, m.created_at, m.decided_by,
       m.metadata::text AS metadata, m.payload::text AS payload
  FROM {schema}.messages AS m
 WHERE m.stream_id = (SELECT id FROM {schema}.streams WHERE name = $1)
   AND m.seq > $2 AND m.seq <= $3 AND ($4::text IS NULL OR m.kind = $4)
 ORDER BY m.seq {order} LIMIT $5
