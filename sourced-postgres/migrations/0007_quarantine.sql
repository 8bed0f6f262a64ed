-- What failed, and what was done about it.

ALTER TABLE {schema}.lanes -- these count while `attempts` is not 0
    ADD failed_pos bigint,         -- the message
    ADD failing_since timestamptz, -- the first attempt
    ADD failed_at timestamptz;     -- the last one

-- What people and policies did about messages that failed. The rest of such a message stands in the log.
CREATE TABLE {schema}.interventions (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    group_id int NOT NULL,
    remedy text NOT NULL CHECK (remedy IN ('retried', 'skipped')),
    position bigint NOT NULL,
    attempts int NOT NULL,
    error text,
    reason text NOT NULL,
    done_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX interventions_done ON {schema}.interventions (group_id, remedy, id);
CREATE INDEX interventions_skips ON {schema}.interventions (group_id, position) WHERE remedy = 'skipped';

-- The first message that waits in a lane: what is owed lies below what is pending.
CREATE FUNCTION {schema}.first_pending(p_group int, p_stream bigint, OUT pos bigint, OUT seq bigint)
LANGUAGE sql STABLE SET search_path = {schema}, pg_temp AS $$
    SELECT m.position, m.seq
      FROM lanes AS l
      JOIN groups AS g ON g.id = l.group_id
     CROSS JOIN LATERAL (
        (SELECT o.position, o.seq FROM owed AS o
          WHERE l.owes AND o.group_id = l.group_id AND o.stream_id = l.stream_id AND o.seq <= l.acked_seq AND o.type = ANY(g.types)
          ORDER BY o.seq LIMIT 1)
        UNION ALL
        (SELECT m.position, m.seq FROM messages AS m
          WHERE m.stream_id = l.stream_id AND m.seq > l.acked_seq AND m.seq <= l.head_seq
            AND m.type = ANY(g.types) AND m.decided_by IS DISTINCT FROM g.name
          ORDER BY m.seq LIMIT 1)
        ORDER BY seq LIMIT 1
     ) AS m
     WHERE l.group_id = p_group AND l.stream_id = p_stream
$$;

UPDATE {schema}.lanes
   SET failed_pos = (SELECT pos FROM {schema}.first_pending(group_id, stream_id)), failing_since = now(), failed_at = now()
 WHERE last_error IS NOT NULL;

-- Acknowledges the first message that waits in a lane, without its being handled: for a person, if it is the one at
-- `p_position`; or for the holder of the claim, whose handling of it has just failed with `p_error`. Says what came of
-- it: done; unknown, the group; fenced, the claim; behind, a reset that the pump has to bring to the lane; other, as
-- another message is the first.
CREATE FUNCTION {schema}.skip(
    p_group text, p_stream text, p_position bigint, p_worker uuid, p_epoch bigint, p_error text, p_reason text,
    OUT outcome text, OUT first bigint)
LANGUAGE plpgsql SET search_path = {schema}, pg_temp AS $$
DECLARE
    v_group groups%ROWTYPE;
    v_lane lanes%ROWTYPE;
    v_seq bigint;
BEGIN
    -- So that nobody changes its types or resets it meanwhile.
    SELECT * INTO v_group FROM groups WHERE name = p_group FOR KEY SHARE;
    IF NOT FOUND THEN
        outcome := CASE WHEN p_worker IS NULL THEN 'unknown' ELSE 'fenced' END;
        RETURN;
    END IF;
    -- Waits for an ack that has begun.
    SELECT * INTO v_lane FROM lanes
     WHERE group_id = v_group.id AND stream_id = (SELECT id FROM streams WHERE name = p_stream)
       AND (p_worker IS NULL OR worker = p_worker AND epoch = p_epoch)
       FOR UPDATE;
    IF NOT FOUND THEN
        outcome := CASE WHEN p_worker IS NULL THEN 'other' ELSE 'fenced' END;
        RETURN;
    END IF;
    IF v_lane.gen < v_group.gen THEN
        -- When the pump is where it was before, there was nothing to reset in this lane, and nothing waits.
        outcome := CASE WHEN v_group.hi < v_group.top OR cardinality(v_group.deferred) > 0 THEN 'behind' ELSE 'other' END;
        RETURN;
    END IF;
    SELECT f.pos, f.seq INTO first, v_seq FROM first_pending(v_group.id, v_lane.stream_id) AS f;
    IF first IS NULL OR first <> p_position THEN
        outcome := 'other';
        RETURN;
    END IF;
    INSERT INTO interventions (group_id, remedy, position, attempts, error, reason)
    VALUES (v_group.id, 'skipped', first, v_lane.attempts + CASE WHEN p_worker IS NULL THEN 0 ELSE 1 END,
            coalesce(p_error, v_lane.last_error), p_reason);
    UPDATE lanes
       SET acked_seq = greatest(acked_seq, v_seq), acked_pos = greatest(acked_pos, first),
           max_seq = greatest(max_seq, v_seq), ready_pos = greatest(ready_pos, first + 1),
           state = CASE WHEN head_seq > greatest(acked_seq, v_seq) THEN 'ready' ELSE 'idle' END,
           due_at = NULL, attempts = 0, last_error = NULL, worker = NULL
     WHERE group_id = v_group.id AND stream_id = v_lane.stream_id;
    IF v_lane.owes THEN
        PERFORM pay(v_group.id, v_lane.stream_id, v_seq);
    END IF;
    outcome := 'done';
END $$;

-- Makes a parked lane ready. Says what came of it: done; unknown, the group; other, as it is not parked.
CREATE FUNCTION {schema}.retry_parked(p_group text, p_stream text, p_reason text) RETURNS text
LANGUAGE plpgsql SET search_path = {schema}, pg_temp AS $$
DECLARE
    v_group groups%ROWTYPE;
    v_lane lanes%ROWTYPE;
BEGIN
    SELECT * INTO v_group FROM groups WHERE name = p_group FOR KEY SHARE;
    IF NOT FOUND THEN
        RETURN 'unknown';
    END IF;
    SELECT * INTO v_lane FROM lanes
     WHERE group_id = v_group.id AND stream_id = (SELECT id FROM streams WHERE name = p_stream)
       AND state = 'parked' AND gen = v_group.gen
       FOR UPDATE;
    IF NOT FOUND THEN
        RETURN 'other';
    END IF;
    IF v_lane.failed_pos IS NOT NULL THEN
        INSERT INTO interventions (group_id, remedy, position, attempts, error, reason)
        VALUES (v_group.id, 'retried', v_lane.failed_pos, v_lane.attempts, v_lane.last_error, p_reason);
    END IF;
    UPDATE lanes SET state = 'ready', attempts = 0, last_error = NULL
     WHERE group_id = v_group.id AND stream_id = v_lane.stream_id;
    RETURN 'done';
END $$;

-- Deletes some of what removed groups have left. False: there was nothing any more.
CREATE OR REPLACE FUNCTION {schema}.sweep_groups(p_limit bigint) RETURNS boolean
LANGUAGE plpgsql SET search_path = {schema}, pg_temp AS $$
DECLARE
    v_group int := (SELECT id FROM groups WHERE state = 'removed' ORDER BY id LIMIT 1);
BEGIN
    DELETE FROM lanes WHERE ctid = ANY(ARRAY(SELECT ctid FROM lanes WHERE group_id = v_group LIMIT p_limit));
    IF FOUND THEN
        RETURN true;
    END IF;
    DELETE FROM owed WHERE ctid = ANY(ARRAY(SELECT ctid FROM owed WHERE group_id = v_group LIMIT p_limit));
    IF FOUND THEN
        RETURN true;
    END IF;
    DELETE FROM interventions WHERE group_id = v_group;
    DELETE FROM given_up_types WHERE group_id = v_group;
    DELETE FROM groups WHERE id = v_group;
    RETURN FOUND;
END $$;
