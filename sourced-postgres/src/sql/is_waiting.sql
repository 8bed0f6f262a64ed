-- Which of the lanes ($1 groups, $2 streams) have a message below the seq ($3) that is not acknowledged: ready, claimed,
-- delayed, parked, to be replayed, or not sorted into a lane yet. Also those whose group is unknown.
SELECT lane.nth, g.id IS NOT NULL AS is_known
  FROM unnest($1::text[], $2::text[], $3::bigint[]) WITH ORDINALITY AS lane (group_name, stream, below, nth)
  LEFT JOIN {schema}.groups AS g ON g.name = lane.group_name
  LEFT JOIN {schema}.streams AS s ON s.name = lane.stream
  LEFT JOIN {schema}.lanes AS l ON l.group_id = g.id AND l.stream_id = s.id
 WHERE g.id IS NULL
    OR l.gen < g.gen
    OR EXISTS (SELECT FROM {schema}.messages AS m
                WHERE m.stream_id = s.id AND m.seq > coalesce(l.acked_seq, 0) AND m.seq < lane.below
                  AND (m.position > g.start_pos OR m.position = ANY(g.start_gaps))
                  AND m.type = ANY(g.types) AND m.decided_by IS DISTINCT FROM g.name)
 ORDER BY lane.nth
