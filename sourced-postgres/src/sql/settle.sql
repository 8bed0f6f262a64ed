-- Gives back claimed lanes in which nothing was found: the group no longer handles what was there, or the claim's
-- snapshot was too old to see it. Only a head that nobody moved since may be forgotten.
UPDATE {schema}.lanes AS l
   SET worker = NULL, due_at = NULL,
       state = CASE WHEN l.head_seq = seen.head_seq AND NOT seen.pending THEN 'idle' ELSE 'ready' END,
       owes = l.owes AND seen.pending,
       head_seq = CASE WHEN l.head_seq = seen.head_seq AND NOT seen.pending THEN l.acked_seq ELSE l.head_seq END
  FROM (
    SELECT k.*, EXISTS (
        SELECT FROM {schema}.messages AS m
          JOIN {schema}.groups AS g ON g.id = k.group_id
          JOIN {schema}.lanes AS x ON x.group_id = k.group_id AND x.stream_id = k.stream_id
         WHERE m.stream_id = k.stream_id AND m.seq > x.acked_seq AND m.seq <= k.head_seq
           AND m.type = ANY(g.types) AND m.decided_by IS DISTINCT FROM g.name
    ) OR EXISTS (
        SELECT FROM {schema}.owed AS o JOIN {schema}.groups AS g ON g.id = k.group_id
         WHERE o.group_id = k.group_id AND o.stream_id = k.stream_id AND o.type = ANY(g.types)
    ) AS pending
      FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[]) AS k (group_id, stream_id, epoch, head_seq)
  ) AS seen
 WHERE l.group_id = seen.group_id AND l.stream_id = seen.stream_id AND l.worker = $5 AND l.epoch = seen.epoch
