-- As `fail.sql`, and stops the whole group with the error.
WITH failed AS (
    UPDATE {schema}.lanes
       SET state = 'delayed', due_at = clock_timestamp() + $5::bigint * interval '1 microsecond',
           worker = NULL, attempts = attempts + 1, last_error = $6,
           failed_pos = (SELECT pos FROM {schema}.first_pending(group_id, stream_id)),
           failing_since = CASE attempts WHEN 0 THEN now() ELSE failing_since END, failed_at = now()
     WHERE group_id = (SELECT id FROM {schema}.groups WHERE name = $1)
       AND stream_id = (SELECT id FROM {schema}.streams WHERE name = $2)
       AND worker = $3 AND epoch = $4
    RETURNING group_id, failed_pos
)
UPDATE {schema}.groups AS g SET state = 'failed', state_reason = $6, state_at = clock_timestamp(),
       state_pos = failed.failed_pos
  FROM failed WHERE g.id = failed.group_id
