-- Acknowledges everything for the groups ($1) in the streams ($2) up to the seqs ($3) and positions ($4), below which
-- nothing is waiting. In the order in which the pump locks lanes.
INSERT INTO {schema}.lanes AS l
       (group_id, stream_id, gen, state, head_seq, acked_seq, acked_pos, max_seq, ready_pos, epoch)
SELECT g.id, s.id, g.gen, 'idle', lane.seq, lane.seq, lane.position, lane.seq, lane.position + 1, g.id::bigint << 32
  FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[]) AS lane (group_name, stream, seq, position)
  JOIN {schema}.groups AS g ON g.name = lane.group_name
  JOIN {schema}.streams AS s ON s.name = lane.stream
 ORDER BY g.id, s.id
    ON CONFLICT (group_id, stream_id) DO UPDATE
   SET gen = excluded.gen, head_seq = greatest(l.head_seq, excluded.head_seq),
       acked_seq = greatest(l.acked_seq, excluded.acked_seq),
       acked_pos = greatest(l.acked_pos, excluded.acked_pos),
       max_seq = greatest(l.max_seq, excluded.max_seq),
       ready_pos = greatest(l.ready_pos, excluded.ready_pos)
