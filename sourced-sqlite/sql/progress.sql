UPDATE sourced_lanes
SET acked = max(acked, ?2),
    acked_seq = max(acked_seq, coalesce(
        (SELECT m.seq FROM sourced_messages m WHERE m.position = ?2 AND m.stream_id = sourced_lanes.stream_id), 0)),
    max_acked = max(max_acked, ?2),
    ready = NULL,
    available_at = NULL,
    leased_until = NULL,
    parked = 0,
    attempts = 0,
    last_error = NULL,
    worker = NULL
WHERE id = ?1
RETURNING head > acked, owes
