-- Differs from Postgres: no SKIP LOCKED is needed, because the writer's transaction holds the only write lock.
UPDATE sourced_lanes
SET worker = ?1,
    epoch = epoch + 1,
    leased_until = sourced_now + ?2,
    ready = NULL
WHERE id IN (SELECT value FROM json_each(?3))
RETURNING id, group_id, (SELECT s.name FROM sourced_streams s WHERE s.id = stream_id), epoch, attempts,
    CASE attempts WHEN 0 THEN 0 ELSE max(0, sourced_now - failing_since) END
