-- Acknowledges everything for group ?1 in stream ?2 up to position ?3, whose seq is ?4. Nothing below it is waiting.
INSERT INTO sourced_lanes (group_id, stream_id, head, acked, acked_seq, max_acked, epoch)
SELECT g.id, s.id, ?3, ?3, ?4, ?3, g.id << 32 FROM sourced_groups g, sourced_streams s WHERE g.name = ?1 AND s.name = ?2
ON CONFLICT (group_id, stream_id) DO UPDATE SET
    head = max(head, excluded.head),
    acked = max(acked, excluded.acked),
    acked_seq = max(acked_seq, excluded.acked_seq),
    max_acked = max(max_acked, excluded.max_acked)
