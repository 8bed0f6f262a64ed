-- Groups that are given the whole log in the order of its positions. They have one lane, of the stream 0, from when they
-- are registered; the seqs in it are positions.

ALTER TABLE {schema}.groups ADD is_global boolean NOT NULL DEFAULT false;

-- Nothing can be appended to it.
INSERT INTO {schema}.streams (id, name, version, last_event_seq) OVERRIDING SYSTEM VALUE VALUES (0, '*', 0, 0);

-- How far such a group has ever acknowledged a type, where that is less than `max_seq` of its lane: it took the type up, or
-- gave it up, in a replay.
CREATE TABLE {schema}.acked_types (
    group_id int NOT NULL REFERENCES {schema}.groups ON DELETE CASCADE,
    type text COLLATE "C" NOT NULL,
    upto bigint NOT NULL,
    PRIMARY KEY (group_id, type)
);

-- The position after which the first message of a group may lie. Above it are the start and, below that, the gaps.
CREATE FUNCTION {schema}.beginning(p_group {schema}.groups) RETURNS bigint
LANGUAGE sql IMMUTABLE AS $$
    SELECT least(p_group.start_pos, (SELECT min(gap) - 1 FROM unnest(p_group.start_gaps) AS gap))
$$;

-- Makes a group known, or changes its types. `p_start`: 0 at the beginning, 1 now, 2 after `p_after`, 3 at `p_since`. Says
-- what came of it: done; behind, as the pump was set back and has to catch up first; order, as it is registered in the
-- other one; given_up or passed, when in global order the types cannot change, with one of them and what is acknowledged.
DROP FUNCTION {schema}.register_group(text, text[], int, bigint, timestamptz);
CREATE FUNCTION {schema}.register_group(
    p_name text, p_types text[], p_start int, p_after bigint, p_since timestamptz, p_global boolean,
    OUT outcome text, OUT of_type text, OUT acked bigint)
LANGUAGE plpgsql SET search_path = {schema}, pg_temp AS $$
DECLARE
    v_pos bigint := p_after;
    v_gaps bigint[] := '{}';
    v_group groups%ROWTYPE;
BEGIN
    IF NOT EXISTS (SELECT FROM groups WHERE name = p_name) THEN
        IF p_start IN (1, 3) THEN
            SELECT pos, gaps INTO v_pos, v_gaps FROM place_of(CASE p_start WHEN 3 THEN p_since ELSE 'infinity' END);
        END IF;
        INSERT INTO groups (name, types, start_pos, start_gaps, hi, gaps, is_global)
        VALUES (p_name, p_types, v_pos, v_gaps, v_pos, v_gaps, p_global)
        ON CONFLICT (name) DO NOTHING;
    END IF;
    -- Stronger than what claims and units hold on the row: from here on there are none.
    SELECT * INTO v_group FROM groups WHERE name = p_name FOR UPDATE;
    IF v_group.is_global <> p_global THEN
        outcome := 'order';
        RETURN;
    END IF;
    IF p_global THEN
        PERFORM open_log(v_group);
    END IF;
    outcome := 'done';
    IF p_types <@ v_group.types AND p_types @> v_group.types THEN
        RETURN;
    END IF;
    IF p_global THEN
        SELECT c.outcome, c.of_type, c.acked INTO outcome, of_type, acked FROM change_types_of_log(v_group, p_types) AS c;
    ELSIF v_group.hi < v_group.top OR cardinality(v_group.deferred) > 0 THEN
        outcome := 'behind';
    ELSE
        PERFORM change_types(v_group, p_types);
    END IF;
END $$;

-- Makes the lane of a locked group in global order, if it is new. What was about to be stored when the group was made comes
-- in its place, though that is before the group's start.
CREATE FUNCTION {schema}.open_log(p_group {schema}.groups) RETURNS void
LANGUAGE plpgsql SET search_path = {schema}, pg_temp AS $$
DECLARE
    v_pos bigint := beginning(p_group);
BEGIN
    INSERT INTO lanes (group_id, stream_id, gen, state, head_seq, acked_seq, acked_pos, ready_pos, epoch)
    VALUES (p_group.id, 0, p_group.gen, 'idle', v_pos, v_pos, v_pos, v_pos + 1, p_group.id::bigint << 32)
    ON CONFLICT DO NOTHING;
    IF FOUND THEN
        UPDATE groups SET hi = v_pos, gaps = '{}' WHERE id = p_group.id;
    END IF;
END $$;

-- Whether a message is one that the group may be given, by its position.
CREATE FUNCTION {schema}.is_after_start(p_group {schema}.groups, p_position bigint) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$
    SELECT p_position > p_group.start_pos OR p_position = ANY(p_group.start_gaps)
$$;

-- Changes the types of a locked group in global order, if everything that is acknowledged is what would have come first.
CREATE FUNCTION {schema}.change_types_of_log(
    p_group {schema}.groups, p_types text[], OUT outcome text, OUT of_type text, OUT acked bigint)
LANGUAGE plpgsql SET search_path = {schema}, pg_temp AS $$
DECLARE
    v_added text[] := ARRAY(SELECT unnest(p_types) EXCEPT SELECT unnest(p_group.types));
    v_removed text[] := ARRAY(SELECT unnest(p_group.types) EXCEPT SELECT unnest(p_types));
    v_lane lanes%ROWTYPE;
BEGIN
    -- Waits for an ack that has begun.
    SELECT * INTO v_lane FROM lanes WHERE group_id = p_group.id AND stream_id = 0 FOR UPDATE;
    acked := v_lane.acked_seq;
    IF acked > beginning(p_group) THEN
        of_type := (SELECT min(r.type) FROM unnest(v_removed) AS r (type));
        IF of_type IS NOT NULL THEN
            outcome := 'given_up';
            RETURN;
        END IF;
        -- All up to there is decided, so whatever there is of them is seen.
        SELECT m.type INTO of_type FROM messages AS m
         WHERE m.position > beginning(p_group) AND m.position <= v_lane.acked_seq
           AND is_after_start(p_group, m.position)
           AND m.type = ANY(v_added) AND m.decided_by IS DISTINCT FROM p_group.name
         ORDER BY m.position LIMIT 1;
        IF FOUND THEN
            outcome := 'passed';
            RETURN;
        END IF;
    END IF;
    INSERT INTO acked_types (group_id, type, upto)
    SELECT p_group.id, r.type, v_lane.max_seq FROM unnest(v_removed) AS r (type)
     UNION ALL
    SELECT p_group.id, a.type, 0 FROM unnest(v_added) AS a (type)
        ON CONFLICT DO NOTHING;
    PERFORM fence_group(p_group.id);
    -- What is pending of the new types may lie below where the pump is, and before what was the first.
    UPDATE lanes SET ready_pos = acked_seq + 1 WHERE group_id = p_group.id AND stream_id = 0;
    UPDATE groups SET types = p_types, changes = changes + 1, hi = least(hi, v_lane.acked_seq) WHERE id = p_group.id;
    outcome := 'done';
END $$;

-- Sorts the next part of the log, which ends with what is decided, into the lane of a group in global order. Gives whether
-- there is more.
CREATE FUNCTION {schema}.pump_log(p_group int) RETURNS boolean
LANGUAGE plpgsql SET search_path = {schema}, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off AS $$
DECLARE
    v_group groups%ROWTYPE;
    v_horizon bigint;
    v_n bigint;
    v_hi bigint;
    v_first bigint;
    v_last bigint;
BEGIN
    -- Whatever a crash takes back is done again from the log.
    PERFORM set_config('synchronous_commit', 'off', true);
    v_horizon := horizon();
    PERFORM FROM groups AS g
      WHERE g.id = p_group
        AND (SELECT m.position FROM messages AS m
              WHERE m.position > g.hi AND m.position <= v_horizon ORDER BY m.position LIMIT 1) IS NOT NULL;
    IF NOT FOUND THEN
        RETURN false; -- what there is waits for its time, and nothing was written
    END IF;
    SELECT * INTO v_group FROM groups WHERE id = p_group AND state <> 'removed' FOR NO KEY UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN false; -- somebody else is at it
    END IF;
    PERFORM FROM lanes WHERE group_id = p_group AND stream_id = 0 FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN false; -- an ack in a slow transaction must not hold up other groups
    END IF;
    SELECT count(*), max(b.position), min(b.position) FILTER (WHERE b.is_work), max(b.position) FILTER (WHERE b.is_work)
      INTO v_n, v_hi, v_first, v_last
      FROM (SELECT m.position, is_after_start(v_group, m.position) AND m.type = ANY(v_group.types)
                   AND m.decided_by IS DISTINCT FROM v_group.name AS is_work
              FROM messages AS m
             WHERE m.position > v_group.hi AND m.position <= v_horizon
             ORDER BY m.position LIMIT 10000) AS b;
    IF v_n = 0 THEN
        RETURN false;
    END IF;
    UPDATE lanes
       SET head_seq = greatest(head_seq, v_last),
           state = CASE state WHEN 'idle' THEN 'ready' ELSE state END,
           ready_pos = CASE state WHEN 'idle' THEN greatest(v_first, acked_seq + 1) ELSE ready_pos END
     WHERE group_id = p_group AND stream_id = 0 AND v_last > acked_seq AND (v_last > head_seq OR state = 'idle');
    UPDATE groups SET hi = v_hi WHERE id = p_group;
    RETURN v_n >= 10000;
END $$;

-- Claims the lane of a group in global order, if it is ready, and gives its next messages.
CREATE FUNCTION {schema}.claim_log(p_group int, p_worker uuid, p_lease bigint, p_messages bigint)
    RETURNS TABLE (
        group_name text, epoch bigint, attempts int, failing_for bigint, replaying boolean, stream text, "position" bigint, seq bigint,
        id uuid, kind text, type text, causation_id uuid, correlation_id uuid, created_at timestamptz, decided_by text,
        metadata text, payload text)
LANGUAGE plpgsql SET search_path = {schema}, pg_temp
-- The planner does not know how few messages there are: it must take them from the index, and look up each stream.
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off AS $$
#variable_conflict use_column
DECLARE
    v_group groups%ROWTYPE;
    v_lane lanes%ROWTYPE;
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    -- So that nobody changes its types or resets it meanwhile.
    SELECT * INTO v_group FROM groups AS g WHERE g.id = p_group AND g.state = 'active' AND g.is_global FOR KEY SHARE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    UPDATE lanes AS l
       SET state = 'claimed', worker = p_worker, epoch = l.epoch + 1,
           due_at = clock_timestamp() + p_lease * interval '1 microsecond'
      FROM (SELECT f.group_id, f.stream_id FROM lanes AS f
             WHERE f.group_id = p_group AND f.stream_id = 0 AND f.state = 'ready' FOR UPDATE SKIP LOCKED) AS free
     WHERE l.group_id = free.group_id AND l.stream_id = free.stream_id
    RETURNING l.* INTO v_lane;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    -- A statement of its own: it sees all up to the head, which is decided, whoever has moved that and when.
    RETURN QUERY
    SELECT v_group.name, v_lane.epoch, v_lane.attempts,
           CASE v_lane.attempts
               WHEN 0 THEN 0
               ELSE greatest(0, extract(epoch FROM clock_timestamp() - v_lane.failing_since) * 1000000)
           END::bigint,
           m.position <= least(v_lane.max_seq,
               (SELECT a.upto FROM acked_types AS a WHERE a.group_id = p_group AND a.type = m.type)),
           s.name, m.position, m.seq, m.id, m.kind, m.type, m.causation_id, m.correlation_id, m.created_at, m.decided_by,
           m.metadata::text, m.payload::text
      FROM (SELECT * FROM messages AS n
             WHERE n.position >= greatest(v_lane.ready_pos, v_lane.acked_seq + 1) AND n.position <= v_lane.head_seq
               AND is_after_start(v_group, n.position)
               AND n.type = ANY(v_group.types) AND n.decided_by IS DISTINCT FROM v_group.name
             ORDER BY n.position LIMIT p_messages) AS m
      JOIN streams AS s ON s.id = m.stream_id
     ORDER BY m.position;
    IF NOT FOUND THEN
        -- The group no longer handles what was there.
        UPDATE lanes AS l SET state = 'idle', worker = NULL, due_at = NULL, head_seq = l.acked_seq
         WHERE l.group_id = p_group AND l.stream_id = 0;
    END IF;
END $$;

-- Moves a claimed lane to a position, or fails as fenced. The lane's head is never behind what is acknowledged.
CREATE OR REPLACE FUNCTION {schema}.progress(p_group text, p_stream text, p_worker uuid, p_epoch bigint, p_upto bigint) RETURNS void
LANGUAGE plpgsql SET search_path = {schema}, pg_temp AS $$
DECLARE
    v_group int := (SELECT id FROM groups WHERE name = p_group);
    v_stream bigint := (SELECT id FROM streams WHERE name = p_stream);
    v_seq bigint;
    v_owes boolean;
BEGIN
    IF v_stream = 0 THEN
        v_seq := p_upto; -- the whole log
    ELSE
        SELECT seq INTO v_seq FROM messages WHERE position = p_upto AND stream_id = v_stream;
        IF v_seq IS NULL THEN
            SELECT coalesce(max(seq), 0) INTO v_seq FROM messages WHERE stream_id = v_stream AND position <= p_upto;
        END IF;
    END IF;
    UPDATE lanes
       SET head_seq = greatest(head_seq, v_seq), acked_seq = greatest(acked_seq, v_seq), acked_pos = greatest(acked_pos, p_upto),
           max_seq = greatest(max_seq, v_seq), ready_pos = greatest(ready_pos, p_upto + 1),
           state = CASE WHEN head_seq > greatest(acked_seq, v_seq) THEN 'ready' ELSE 'idle' END,
           due_at = NULL, attempts = 0, last_error = NULL, worker = NULL, acked_epoch = epoch
     WHERE group_id = v_group AND stream_id = v_stream AND worker = p_worker AND epoch = p_epoch
    RETURNING owes INTO v_owes;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'fenced' USING ERRCODE = 'SRC03';
    END IF;
    IF v_owes THEN
        PERFORM pay(v_group, v_stream, v_seq);
    END IF;
END $$;

-- The first message that waits in a lane: what is owed lies below what is pending.
CREATE OR REPLACE FUNCTION {schema}.first_pending(p_group int, p_stream bigint, OUT pos bigint, OUT seq bigint)
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
        UNION ALL
        (SELECT m.position, m.position FROM messages AS m
          WHERE l.stream_id = 0 AND m.position >= greatest(l.ready_pos, l.acked_seq + 1) AND m.position <= l.head_seq
            AND is_after_start(g, m.position) AND m.type = ANY(g.types) AND m.decided_by IS DISTINCT FROM g.name
          ORDER BY m.position LIMIT 1)
        ORDER BY seq LIMIT 1
     ) AS m
     WHERE l.group_id = p_group AND l.stream_id = p_stream
$$;

-- Sets a locked group in global order back to a position, but never to before its start.
CREATE FUNCTION {schema}.reset_log(p_group {schema}.groups, p_pos bigint) RETURNS void
LANGUAGE plpgsql SET search_path = {schema}, pg_temp AS $$
DECLARE
    v_lane lanes%ROWTYPE;
    v_pos bigint;
BEGIN
    -- Waits for an ack that has begun.
    SELECT * INTO v_lane FROM lanes WHERE group_id = p_group.id AND stream_id = 0 FOR UPDATE;
    v_pos := least(v_lane.acked_seq, greatest(p_pos, beginning(p_group)));
    UPDATE acked_types SET upto = greatest(upto, v_lane.acked_seq)
     WHERE group_id = p_group.id AND type = ANY(p_group.types);
    UPDATE lanes
       SET acked_seq = v_pos, acked_pos = v_pos, ready_pos = least(ready_pos, v_pos + 1),
           state = CASE WHEN head_seq > v_pos THEN 'ready' ELSE 'idle' END,
           due_at = NULL, attempts = 0, last_error = NULL, epoch = epoch + 1, worker = NULL
     WHERE group_id = p_group.id AND stream_id = 0;
    UPDATE groups SET changes = changes + 1 WHERE id = p_group.id;
END $$;

-- Sets a group back to `p_after`, or before the first message made at `p_since`; in one stream, or in all.
CREATE OR REPLACE FUNCTION {schema}.reset_group(p_name text, p_stream text, p_after bigint, p_since timestamptz) RETURNS boolean
LANGUAGE plpgsql SET search_path = {schema}, pg_temp AS $$
DECLARE
    v_group groups%ROWTYPE;
    v_pos bigint := p_after;
    v_hi bigint;
BEGIN
    IF p_since IS NOT NULL THEN
        SELECT pos INTO v_pos FROM place_of(p_since);
    END IF;
    SELECT * INTO v_group FROM groups WHERE name = p_name FOR UPDATE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    IF v_group.is_global THEN
        IF p_stream <> '*' THEN
            RAISE EXCEPTION 'a group in global order has no lane of a stream' USING ERRCODE = 'SRC05';
        END IF;
        PERFORM reset_log(v_group, v_pos);
        RETURN true;
    END IF;
    IF p_stream IS NOT NULL THEN
        UPDATE lanes AS l
           SET acked_seq = least(l.acked_seq, o.seq,
                                 CASE WHEN l.gen < v_group.gen THEN reset_seq(v_group, o.id, v_group.reset_pos) END),
               gen = v_group.gen, -- the pump may never come to it for the last reset, if there was nothing to reset
               acked_pos = least(l.acked_pos, greatest(v_pos, v_group.start_pos)),
               ready_pos = least(l.ready_pos, v_pos + 1), state = 'ready', due_at = NULL, attempts = 0, last_error = NULL,
               epoch = l.epoch + 1, worker = NULL
          FROM (SELECT s.id, reset_seq(v_group, s.id, v_pos) AS seq FROM streams AS s WHERE s.name = p_stream) AS o
         WHERE l.group_id = v_group.id AND l.stream_id = o.id;
        RETURN true;
    END IF;
    PERFORM fence_group(v_group.id);
    -- The pump opens the lanes: from the first message that comes again, or is still pending.
    SELECT least(v_group.hi, v_pos,
        (SELECT min(ready_pos) FROM lanes WHERE group_id = v_group.id AND state = 'ready') - 1,
        (SELECT min(ready_pos) FROM lanes WHERE group_id = v_group.id AND due_at IS NOT NULL) - 1,
        (SELECT min(ready_pos) FROM lanes WHERE group_id = v_group.id AND state = 'parked') - 1) INTO v_hi;
    UPDATE groups
       SET gen = gen + 1, changes = changes + 1,
           -- Lanes that the last reset has not come to yet are set back as far as it asked for.
           reset_pos = CASE WHEN hi < top OR cardinality(deferred) > 0 THEN least(reset_pos, v_pos) ELSE v_pos END
     WHERE id = v_group.id;
    PERFORM set_back(v_group.id, v_hi);
    RETURN true;
END $$;

-- What there is to do for each group. Reads only: it is all that idle polling costs.
CREATE OR REPLACE VIEW {schema}.group_work AS
SELECT g.name, g.id,
       g.state = 'active' AND g.held_until <= clock_timestamp() AS is_active,
       cardinality(g.deferred) > 0
           -- Not `EXISTS (… position > g.hi)`: a third of the log is what the planner expects then, and reads it all.
           OR coalesce((SELECT max(m.position) FROM {schema}.messages AS m), 0) > g.hi
           OR EXISTS (SELECT FROM {schema}.messages AS m WHERE m.position = ANY(g.gaps)) AS behind,
       EXISTS (SELECT FROM {schema}.lanes AS l WHERE l.group_id = g.id AND l.due_at <= now()) AS due,
       (SELECT l.ready_pos FROM {schema}.lanes AS l
         WHERE l.group_id = g.id AND l.gen = g.gen AND l.state = 'ready' ORDER BY l.ready_pos LIMIT 1) AS oldest,
       g.is_global
  FROM {schema}.groups AS g;

-- Brings the lanes of these groups up to date, if there is anything to do: one step of each. Gives the oldest message of
-- their ready lanes, and whether there is more to do at once.
DROP FUNCTION {schema}.look(text[]);
CREATE FUNCTION {schema}.look(p_groups text[])
    RETURNS TABLE (group_name text, group_id int, oldest_ready bigint, has_more boolean, is_global boolean)
LANGUAGE plpgsql SET search_path = {schema}, pg_temp AS $$
DECLARE
    v_behind int[];
    v_behind_in_log int[];
    v_due int[];
    v_group int;
    v_more boolean := false;
BEGIN
    SELECT coalesce(array_agg(w.id ORDER BY w.id) FILTER (WHERE w.behind AND NOT w.is_global), '{}'),
           coalesce(array_agg(w.id ORDER BY w.id) FILTER (WHERE w.behind AND w.is_global), '{}'),
           coalesce(array_agg(w.id) FILTER (WHERE w.due), '{}')
      INTO v_behind, v_behind_in_log, v_due
      FROM group_work AS w WHERE w.name = ANY(p_groups) AND w.is_active;
    IF cardinality(v_behind || v_due) > 0 THEN
        v_more := prepare_lanes(v_behind, v_due);
    END IF;
    FOREACH v_group IN ARRAY v_behind_in_log LOOP
        v_more := pump_log(v_group) OR v_more;
    END LOOP;
    RETURN QUERY SELECT w.name, w.id, CASE WHEN w.is_active THEN w.oldest END, v_more, w.is_global
      FROM group_work AS w WHERE w.name = ANY(p_groups);
END $$;
