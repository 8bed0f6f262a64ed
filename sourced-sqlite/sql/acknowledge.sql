-- Acknowledges each lane of the list ?1 up to its position, and gives it back: ready when something is pending. Four
-- statements, and the same parameter in all of them.
UPDATE sourced_lanes
SET acked = max(acked, done.upto),
    acked_seq = max(acked_seq, coalesce(
        (SELECT m.seq FROM sourced_messages m WHERE m.position = done.upto AND m.stream_id = sourced_lanes.stream_id), 0)),
    max_acked = max(max_acked, done.upto),
    ready = NULL,
    available_at = NULL,
    leased_until = NULL,
    parked = 0,
    attempts = 0,
    last_error = NULL,
    worker = NULL
FROM (SELECT value ->> 0 AS lane, value ->> 1 AS upto FROM json_each(?1)) AS done
WHERE id = done.lane;

DELETE FROM sourced_owed
WHERE (lane_id, seq) IN (
    SELECT o.lane_id, o.seq
    FROM json_each(?1) AS done
    CROSS JOIN sourced_lanes l ON l.id = done.value ->> 0 AND l.owes
    CROSS JOIN sourced_owed o ON o.lane_id = l.id AND o.position <= done.value ->> 1
    CROSS JOIN sourced_group_types t ON t.group_id = l.group_id AND t.type = o.type);

UPDATE sourced_lanes
SET owes = EXISTS (
    SELECT 1 FROM sourced_owed o
    CROSS JOIN sourced_group_types t ON t.group_id = sourced_lanes.group_id AND t.type = o.type
    WHERE o.lane_id = sourced_lanes.id)
WHERE id IN (SELECT value ->> 0 FROM json_each(?1)) AND owes;

UPDATE sourced_lanes
SET ready = sourced_first
WHERE id IN (SELECT value ->> 0 FROM json_each(?1)) AND (head > acked OR owes)
