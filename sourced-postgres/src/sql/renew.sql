-- Prolongs the leases of the claims $1 to $4 by $5 microseconds, and gives the ordinals of those that are lost.
WITH keys AS MATERIALIZED (
    SELECT k.nth, k.worker, k.epoch, g.id AS group_id, s.id AS stream_id
      FROM unnest($1::text[], $2::text[], $3::uuid[], $4::bigint[]) WITH ORDINALITY
        AS k (group_name, stream, worker, epoch, nth)
      LEFT JOIN {schema}.groups AS g ON g.name = k.group_name
      LEFT JOIN {schema}.streams AS s ON s.name = k.stream
), renewed AS (
    UPDATE {schema}.lanes AS l
       SET state = 'claimed', due_at = clock_timestamp() + $5::bigint * interval '1 microsecond'
      FROM (
        -- A lane that is locked is being acknowledged, and must not hold up the others.
        SELECT l.group_id, l.stream_id FROM {schema}.lanes AS l
          JOIN keys AS k ON l.group_id = k.group_id AND l.stream_id = k.stream_id
         WHERE l.worker = k.worker AND l.epoch = k.epoch
           FOR UPDATE OF l SKIP LOCKED
      ) AS held
     WHERE l.group_id = held.group_id AND l.stream_id = held.stream_id
)
SELECT k.nth FROM keys AS k
  LEFT JOIN {schema}.lanes AS l ON l.group_id = k.group_id AND l.stream_id = k.stream_id
 WHERE l.worker IS DISTINCT FROM k.worker OR l.epoch IS DISTINCT FROM k.epoch
