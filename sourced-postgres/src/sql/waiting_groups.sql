-- The first group that has to handle a message of the stream $1 up to the seq $2, or up to the one that it has in $4 (by
-- the names in $3): with the first message that waits.
SELECT g.name, waiting.seq
  FROM {schema}.groups AS g
  LEFT JOIN {schema}.lanes AS l ON l.group_id = g.id AND l.stream_id = $1
 CROSS JOIN LATERAL (
    SELECT min(seq) AS seq FROM (
        (SELECT m.seq FROM {schema}.messages AS m
          WHERE m.stream_id = $1
            AND (m.seq > coalesce(l.acked_seq, 0) OR l.gen < g.gen AND m.position > g.reset_pos)
            AND (m.position > g.start_pos OR m.position = ANY(g.start_gaps))
            AND (NOT g.is_global
                 OR m.position > (SELECT o.acked_pos FROM {schema}.lanes AS o WHERE o.group_id = g.id AND o.stream_id = 0))
            AND m.type = ANY(g.types) AND m.decided_by IS DISTINCT FROM g.name
          ORDER BY m.seq LIMIT 1)
        UNION ALL
        (SELECT o.seq FROM {schema}.owed AS o
          WHERE l.owes AND o.group_id = g.id AND o.stream_id = $1 AND o.type = ANY(g.types)
          ORDER BY o.seq LIMIT 1)
    ) AS first
  ) AS waiting
 WHERE g.state <> 'removed'
   AND waiting.seq <= greatest($2, (SELECT max(h.seq) FROM unnest($3::text[], $4::bigint[]) AS h (name, seq) WHERE h.name = g.name))
 ORDER BY g.name LIMIT 1
