-- Gives back the lane of the claim $1 to $4 after a failure: delayed by $5 microseconds, or parked when that is null.
UPDATE {schema}.lanes
   SET state = CASE WHEN $5::bigint IS NULL THEN 'parked' ELSE 'delayed' END,
       due_at = clock_timestamp() + $5::bigint * interval '1 microsecond',
       worker = NULL, attempts = attempts + 1, last_error = $6,
       failed_pos = (SELECT pos FROM {schema}.first_pending(group_id, stream_id)),
       failing_since = CASE attempts WHEN 0 THEN now() ELSE failing_since END, failed_at = now()
 WHERE group_id = (SELECT id FROM {schema}.groups WHERE name = $1)
   AND stream_id = (SELECT id FROM {schema}.streams WHERE name = $2)
   AND worker = $3 AND epoch = $4
