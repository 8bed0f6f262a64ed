-- The ends of the tables of streams and of messages, the streams ?1, those of the messages ?2 that are stored, and which of
-- the claims ?3 (each its group, stream, worker and epoch) still hold their lanes, and whether these are of stretches. One row,
-- since each of several would have to be waited for.
SELECT
    (SELECT coalesce(max(id), 0) FROM sourced_streams),
    (SELECT coalesce(max(position), 0) FROM sourced_messages),
    (
        SELECT json_group_array(json_array(s.name, s.id, s.version, s.last_event_seq, (
            SELECT lower(hex(m.id)) FROM sourced_messages m WHERE m.stream_id = s.id AND m.seq = s.last_event_seq
        )))
        FROM json_each(?1) AS named CROSS JOIN sourced_streams s ON s.name = named.value
    ),
    (
        SELECT json_group_array(json_array(lower(hex(m.id)), s.name, m.seq, m.position))
        FROM json_each(?2) AS named
        CROSS JOIN sourced_messages m ON m.id = unhex(named.value)
        CROSS JOIN sourced_streams s ON s.id = m.stream_id
    ),
    (
        SELECT json_group_array(json_array(named.key, l.id, l.stream_id = 0 AND NOT g.is_global))
        FROM json_each(?3) AS named
        CROSS JOIN sourced_groups g ON g.name = named.value ->> 0
        CROSS JOIN sourced_streams s ON s.name = named.value ->> 1
        CROSS JOIN sourced_lanes l ON l.group_id = g.id AND l.stream_id = s.id
        WHERE l.worker = unhex(named.value ->> 2) AND l.epoch = named.value ->> 3
    )
