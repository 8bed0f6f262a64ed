-- Which of the lanes ($1 groups, $2 streams) have a message below the seq ($3) that is not acknowledged: ready, claimed,
-- delayed, parked, to be replayed, or not sorted into a lane yet. Also those whose group is
-- unknown or held, is in global order (where that would be a question about the whole log, which moves on), or does not
-- handle by now what it has handled in the unit ($4 groups, $5 types).
WITH held AS MATERIALIZED (
    -- Until the unit is stored nobody changes types or resets.
    SELECT id, changes, held_until FROM {schema}.groups WHERE name = ANY($1) ORDER BY id FOR KEY SHARE
)
SELECT lane.nth, g.id IS NOT NULL AS is_known
  FROM unnest($1::text[], $2::text[], $3::bigint[]) WITH ORDINALITY AS lane (group_name, stream, below, nth)
  LEFT JOIN {schema}.groups AS g ON g.name = lane.group_name
  LEFT JOIN held ON held.id = g.id
  LEFT JOIN {schema}.streams AS s ON s.name = lane.stream
  LEFT JOIN {schema}.lanes AS l ON l.group_id = g.id AND l.stream_id = s.id
 WHERE g.id IS NULL OR g.is_global
    OR held.held_until > clock_timestamp()
    OR held.changes IS DISTINCT FROM g.changes
    OR EXISTS (SELECT FROM unnest($4::text[], $5::text[]) AS handled (group_name, type)
                WHERE handled.group_name = lane.group_name AND NOT handled.type = ANY(g.types))
    OR l.owes AND EXISTS (SELECT FROM {schema}.owed AS o
                           WHERE o.group_id = l.group_id AND o.stream_id = l.stream_id AND o.type = ANY(g.types))
    OR EXISTS (SELECT FROM {schema}.messages AS m
                WHERE m.stream_id = s.id AND m.seq < lane.below
                  AND (m.seq > coalesce(l.acked_seq, 0) OR l.gen < g.gen AND m.position > g.reset_pos)
                  AND (m.position > g.start_pos OR m.position = ANY(g.start_gaps))
                  AND m.type = ANY(g.types) AND m.decided_by IS DISTINCT FROM g.name)
 ORDER BY lane.nth
