-- Makes the lane of a stretch of group ?1, from behind ?2 to ?3; ?4: some of it was acknowledged before.
INSERT INTO sourced_lanes (group_id, stream_id, head, acked, acked_seq, max_acked, epoch)
VALUES (?1, 0, ?2, ?2, ?3, CASE WHEN ?4 THEN ?3 ELSE 0 END, ?1 << 32)
ON CONFLICT (group_id, stream_id) DO UPDATE SET
    head = excluded.head,
    acked = excluded.acked,
    acked_seq = excluded.acked_seq,
    max_acked = excluded.max_acked
RETURNING id
