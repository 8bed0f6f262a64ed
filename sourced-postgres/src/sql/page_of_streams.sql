-- A page of the streams $11: after $1, up to $2, at most $3. Each stream is read from where the page begins in it.
SELECT s.name AS stream,
       m.position, m.seq, m.id, m.kind, m.type, m.causation_id, m.correlation_id, m.created_at, m.decided_by,
       m.metadata::text AS metadata, m.payload::text AS payload
  FROM {schema}.streams AS s
 CROSS JOIN LATERAL {seq_at $1} AS before
 CROSS JOIN LATERAL {seq_at $2} AS last
 CROSS JOIN LATERAL (
    SELECT m.* FROM {schema}.messages AS m
     WHERE m.stream_id = s.id AND m.seq > before.seq AND m.seq <= last.seq {filter}
     ORDER BY m.seq {order} LIMIT {limit}
  ) AS m
 WHERE s.name = ANY($11)
 ORDER BY m.position {order} LIMIT $3
