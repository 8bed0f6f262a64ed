-- Claims ready lanes of the groups $1 for the worker $2, for $3 microseconds, and fetches their next messages.
-- The sizes are literals: with a parameter Postgres plans for a tenth of the table, and sorts it.
WITH wanted AS MATERIALIZED (
    -- Whatever a crash takes back is claimed again.
    SELECT turn.group_id, turn.nth, g.name, g.types, g.gen, g.changes
      FROM (SELECT set_config('synchronous_commit', 'off', true)) AS relaxed (setting)
     CROSS JOIN unnest($1::int[]) WITH ORDINALITY AS turn (group_id, nth)
      JOIN {schema}.groups AS g ON g.id = turn.group_id AND g.state = 'active'
     ORDER BY turn.nth
       -- So that nobody changes its types or resets it meanwhile.
       FOR KEY SHARE OF g
), picked AS MATERIALIZED (
    SELECT ready.group_id, ready.stream_id
      FROM wanted
     CROSS JOIN LATERAL (
        SELECT l.group_id, l.stream_id FROM {schema}.lanes AS l
         WHERE l.group_id = wanted.group_id AND l.gen = wanted.gen AND l.state = 'ready'
         ORDER BY l.ready_pos LIMIT {share} FOR UPDATE SKIP LOCKED
     ) AS ready
     -- Or has just done so: this statement's snapshot is older, and misses what is owed.
     WHERE wanted.changes = (SELECT g.changes FROM {schema}.groups AS g WHERE g.id = wanted.group_id)
     LIMIT {lanes}
), claimed AS (
    UPDATE {schema}.lanes AS l
       SET state = 'claimed', worker = $2, epoch = l.epoch + 1,
           due_at = clock_timestamp() + $3::bigint * interval '1 microsecond'
      FROM picked
     WHERE l.group_id = picked.group_id AND l.stream_id = picked.stream_id
    RETURNING l.*
)
-- Each lane is a row without a message, and after it come its messages, without what is the lane's. Not sorted, which would
-- move every message once more: the rows of a lane come in the order of their seqs already.
SELECT c.group_id, c.stream_id, m.*
  FROM claimed AS c
  JOIN wanted AS g ON g.group_id = c.group_id
 CROSS JOIN LATERAL (
    SELECT c.epoch, c.attempts, c.head_seq, c.ready_pos, g.name AS group_name,
           (SELECT s.name FROM {schema}.streams AS s WHERE s.id = c.stream_id) AS stream,
           CASE c.attempts WHEN 0 THEN 0 ELSE greatest(0, extract(epoch FROM clock_timestamp() - c.failing_since) * 1000000) END::bigint AS failing_for,
           NULL::boolean AS replaying,
           NULL::bigint AS position, NULL::bigint AS seq, NULL::uuid AS id, NULL::text AS kind, NULL::text AS type,
           NULL::uuid AS causation_id, NULL::uuid AS correlation_id, NULL::timestamptz AS created_at, NULL::text AS decided_by,
           NULL::text AS metadata, NULL::text AS payload
    UNION ALL
    SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL, m.replaying,
           m.position, m.seq, m.id, m.kind, m.type, m.causation_id, m.correlation_id, m.created_at, m.decided_by,
           m.metadata::text, m.payload::text
      FROM (
        SELECT m.*, row_number() OVER in_order AS nth,
               sum(octet_length(m.payload::text) + coalesce(octet_length(m.metadata::text), 0)) OVER in_order AS bytes
          FROM (
            -- Large ones are stored compressed, and to know their sizes is to read them: no more of them than may fit.
            SELECT m.*, sum(pg_column_size(m.payload)) OVER in_order - pg_column_size(m.payload) AS stored_before
              FROM (
                SELECT * FROM (
                    (SELECT m.*, o.is_replay AS replaying FROM {schema}.owed AS o JOIN {schema}.messages AS m USING (stream_id, seq)
                      WHERE c.owes AND o.group_id = c.group_id AND o.stream_id = c.stream_id AND o.seq <= c.acked_seq AND o.type = ANY(g.types)
                      ORDER BY o.seq LIMIT {messages})
                    UNION ALL
                    (SELECT m.*, coalesce(o.is_replay, m.seq <= c.max_seq)
                       FROM {schema}.messages AS m
                       LEFT JOIN {schema}.owed AS o ON o.group_id = c.group_id AND o.stream_id = m.stream_id AND o.seq = m.seq
                      WHERE c.owes AND m.stream_id = c.stream_id
                        AND m.seq > c.acked_seq AND m.seq <= greatest(c.head_seq, c.acked_seq + {messages})
                        AND m.type = ANY(g.types) AND m.decided_by IS DISTINCT FROM g.name
                      ORDER BY m.seq LIMIT {messages})
                    ORDER BY seq LIMIT {messages}
                ) AS owing
                UNION ALL
                -- As much as may come at once, even ahead of the pump: inside a stream positions are committed in order.
                (SELECT m.*, m.seq <= c.max_seq
                   FROM {schema}.messages AS m
                  WHERE NOT c.owes AND m.stream_id = c.stream_id
                    AND m.seq > c.acked_seq AND m.seq <= greatest(c.head_seq, c.acked_seq + {messages})
                    AND m.type = ANY(g.types) AND m.decided_by IS DISTINCT FROM g.name
                  ORDER BY m.seq LIMIT {messages})
              ) AS m
            WINDOW in_order AS (ORDER BY m.seq ROWS UNBOUNDED PRECEDING)
          ) AS m
         WHERE m.stored_before < {bytes}
        WINDOW in_order AS (ORDER BY m.seq ROWS UNBOUNDED PRECEDING)
      ) AS m
     WHERE m.nth = 1 OR m.bytes <= {bytes}
  ) AS m
