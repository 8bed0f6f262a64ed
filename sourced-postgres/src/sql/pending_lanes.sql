-- How many lanes hold work, and at least one for a group with messages that are not sorted into lanes. A lane of an older
-- generation is counted when the pump has come to it: the message it waits for is one of those.
SELECT g.name, CASE WHEN g.state <> 'active' THEN 0 ELSE greatest(
        (SELECT count(*) FROM {schema}.lanes AS l WHERE l.group_id = g.id AND l.gen = g.gen AND l.state = 'ready')
        + (SELECT count(*) FROM {schema}.lanes AS l WHERE l.group_id = g.id AND l.due_at IS NOT NULL),
        CASE WHEN cardinality(g.deferred) > 0
               -- In the order of positions, so that the planner starts at `hi` instead of reading the whole log. Each lane is
               -- looked up: as a join, all of them might be read.
               OR (SELECT true FROM {schema}.messages AS m
                    WHERE m.position > g.hi AND m.type = ANY(g.types) AND m.decided_by IS DISTINCT FROM g.name
                      AND NOT coalesce((SELECT l.state = 'parked' OR l.acked_seq >= CASE WHEN g.is_global THEN m.position ELSE m.seq END
                                          FROM {schema}.lanes AS l
                                         WHERE l.group_id = g.id AND l.gen = g.gen
                                           AND l.stream_id = CASE WHEN g.is_global THEN 0 ELSE m.stream_id END), false)
                    ORDER BY m.position LIMIT 1)
               OR EXISTS (SELECT FROM {schema}.messages AS m
                           WHERE m.position = ANY(g.gaps) AND m.type = ANY(g.types) AND m.decided_by IS DISTINCT FROM g.name)
             THEN 1 ELSE 0 END) END AS pending
  FROM {schema}.groups AS g
 WHERE g.name = ANY($1)
