-- Claims ready lanes of the groups $1 for the worker $2, for $3 microseconds, and fetches their next messages.
-- The sizes are literals: with a parameter Postgres plans for a tenth of the table, and sorts it.
WITH wanted AS MATERIALIZED (
    -- Whatever a crash takes back is claimed again.
    SELECT turn.group_id, turn.nth, g.types_version
      FROM (SELECT set_config('synchronous_commit', 'off', true)) AS relaxed (setting)
     CROSS JOIN unnest($1::int[]) WITH ORDINALITY AS turn (group_id, nth)
      JOIN {schema}.groups AS g ON g.id = turn.group_id
     ORDER BY turn.nth
), picked AS MATERIALIZED (
    SELECT ready.group_id, ready.stream_id
      FROM wanted
     CROSS JOIN LATERAL (
        SELECT l.group_id, l.stream_id FROM {schema}.lanes AS l
         WHERE l.group_id = wanted.group_id AND l.state = 'ready' AND l.types_version = wanted.types_version
         ORDER BY l.ready_pos LIMIT {share} FOR UPDATE SKIP LOCKED
     ) AS ready
     LIMIT {lanes}
), claimed AS (
    UPDATE {schema}.lanes AS l
       SET state = 'claimed', worker = $2, epoch = l.epoch + 1,
           due_at = clock_timestamp() + $3::bigint * interval '1 microsecond'
      FROM picked
     WHERE l.group_id = picked.group_id AND l.stream_id = picked.stream_id
    RETURNING l.*
)
SELECT c.group_id, c.stream_id, c.epoch, c.attempts, c.head_seq, g.name AS group_name, s.name AS stream,
       m.seq <= c.max_seq AS replaying,
       m.position, m.seq, m.id, m.kind, m.type, m.causation_id, m.correlation_id, m.created_at, m.decided_by,
       m.metadata::text AS metadata, m.payload::text AS payload
  FROM claimed AS c
  JOIN {schema}.groups AS g ON g.id = c.group_id
  JOIN {schema}.streams AS s ON s.id = c.stream_id
  LEFT JOIN LATERAL (
    SELECT * FROM {schema}.messages AS m
     WHERE m.stream_id = c.stream_id AND m.seq > c.acked_seq AND m.seq <= c.head_seq
       AND m.type = ANY(g.types) AND m.decided_by IS DISTINCT FROM g.name
     ORDER BY m.seq LIMIT {messages}
  ) AS m ON true
 ORDER BY c.ready_pos, c.group_id, c.stream_id, m.seq
