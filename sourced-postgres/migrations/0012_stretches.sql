-- Stretches: a group that is far behind is given the next messages of the log in one claim, whatever streams they are in.
--
-- Who holds one stands in the group's lane of the stream 0: it goes from `acked_seq`, where the group's `hi` was, to `head_seq`;
-- both are positions. The lanes of the streams are what they are, until an ack leaves each as if it had been claimed and
-- acknowledged by itself. Whatever ends a claim without that leaves `hi` below `head_seq`, and then the pump sorts what lies
-- between them into lanes, before there is another stretch.

-- What is next for the log behind what is sorted into the lanes of a group. It is given in a stretch, when the group is far
-- behind in what is decided, there are not many long streams (by the planner's statistics), nothing of it is sorted and not
-- acknowledged, and nobody holds a stretch. It waits, when that will be so soon: lanes are ready, or were claimed within the
-- last second for `p_lease` microseconds. Else it is sorted.
CREATE FUNCTION {schema}.next_of_log(p_group int, p_far bigint, p_lease bigint) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = {schema}, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off AS $$
DECLARE
    c_many CONSTANT bigint := 1000;
    c_long CONSTANT bigint := 64;
    v_group groups%ROWTYPE;
    v_stretch lanes%ROWTYPE;
    v_last_due timestamptz := (
        SELECT due_at FROM lanes WHERE group_id = p_group AND due_at IS NOT NULL ORDER BY due_at DESC LIMIT 1);
BEGIN
    SELECT * INTO v_group FROM groups WHERE id = p_group;
    SELECT * INTO v_stretch FROM lanes WHERE group_id = p_group AND stream_id = 0;
    RETURN CASE
        WHEN v_group.is_global OR v_group.state <> 'active' OR v_group.held_until > clock_timestamp() THEN 'sort'
        WHEN v_stretch.state = 'claimed' AND v_stretch.acked_seq = v_group.hi THEN 'wait'
        WHEN coalesce((SELECT max(position) FROM messages), 0) - v_group.hi < p_far THEN 'sort'
        -- It was given back.
        WHEN v_stretch.head_seq > v_group.hi THEN 'sort'
        WHEN cardinality(v_group.gaps || v_group.deferred) > 0 THEN 'sort'
        -- Of many long streams, a lane brings many messages at once, and several are handled at the same time.
        WHEN (SELECT s.reltuples >= c_many AND m.reltuples >= c_long * s.reltuples FROM pg_class AS s, pg_class AS m
               WHERE s.oid = '{schema}.streams'::regclass AND m.oid = '{schema}.messages'::regclass) THEN 'sort'
        -- In the order of an index, each: the planner does not know how few there are, and would look at all lanes.
        WHEN (SELECT true FROM lanes WHERE group_id = p_group AND state = 'parked' ORDER BY stream_id LIMIT 1) THEN 'sort'
        WHEN (SELECT true FROM lanes WHERE group_id = p_group AND due_at IS NOT NULL AND state = 'delayed' ORDER BY due_at LIMIT 1)
            THEN 'sort'
        WHEN horizon() - v_group.hi < p_far THEN 'sort'
        WHEN (SELECT true FROM lanes WHERE group_id = p_group AND gen = v_group.gen AND state = 'ready' ORDER BY ready_pos LIMIT 1)
            THEN 'wait'
        WHEN v_last_due > clock_timestamp() + (p_lease - 1000000) * interval '1 microsecond' THEN 'wait'
        WHEN v_last_due IS NOT NULL THEN 'sort'
        ELSE 'stretch'
    END;
END $$;

-- Claims the next stretch of a group: of so many messages at most, and of not many more that others handle. Says up to where all
-- is decided, and what the group is like by now. Gives nothing when there is no stretch.
CREATE FUNCTION {schema}.claim_stretch(
    p_group int, p_worker uuid, p_lease bigint, p_messages bigint,
    OUT epoch bigint, OUT after bigint, OUT upto bigint, OUT decided bigint,
    OUT name text, OUT types text[], OUT gen int, OUT reset_pos bigint, OUT changes int)
LANGUAGE plpgsql SET search_path = {schema}, pg_temp
-- The planner does not know how few messages there are: it must take them from the index.
SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off AS $$
DECLARE
    c_looked_at CONSTANT bigint := 10000;
    v_group groups%ROWTYPE;
    v_end bigint;
BEGIN
    -- Whatever a crash takes back is claimed again.
    PERFORM set_config('synchronous_commit', 'off', true);
    -- Instead of pumps and of those who change its types or reset it, and beside units.
    SELECT * INTO v_group FROM groups AS g WHERE g.id = p_group FOR NO KEY UPDATE SKIP LOCKED;
    IF NOT FOUND OR next_of_log(p_group, p_messages, p_lease) <> 'stretch' THEN
        RETURN;
    END IF;
    decided := horizon();
    v_end := least(decided, v_group.hi + c_looked_at);
    upto := coalesce(
        (SELECT m.position FROM messages AS m
          WHERE m.position > v_group.hi AND m.position <= v_end
            AND m.type = ANY(v_group.types) AND m.decided_by IS DISTINCT FROM v_group.name
          ORDER BY m.position OFFSET p_messages - 1 LIMIT 1),
        v_end);
    after := v_group.hi;
    name := v_group.name;
    types := v_group.types;
    gen := v_group.gen;
    reset_pos := v_group.reset_pos;
    changes := v_group.changes;
    INSERT INTO lanes AS l
           (group_id, stream_id, gen, state, head_seq, acked_seq, acked_pos, max_seq, ready_pos, epoch, worker, due_at)
    VALUES (p_group, 0, v_group.gen, 'claimed', upto, after, after,
            CASE WHEN after < v_group.top THEN upto ELSE 0 END, -- it comes again, for some streams at least
            after + 1, (p_group::bigint << 32) + 1, p_worker, clock_timestamp() + p_lease * interval '1 microsecond')
        ON CONFLICT (group_id, stream_id) DO UPDATE
       SET gen = excluded.gen, state = excluded.state, head_seq = excluded.head_seq, acked_seq = excluded.acked_seq,
           acked_pos = excluded.acked_pos, max_seq = excluded.max_seq, ready_pos = excluded.ready_pos, epoch = l.epoch + 1,
           worker = excluded.worker, due_at = excluded.due_at
    RETURNING l.epoch INTO epoch;
END $$;

-- Acknowledges a stretch up to a position, or fails as fenced.
CREATE FUNCTION {schema}.progress_of_stretch(p_group int, p_worker uuid, p_epoch bigint, p_upto bigint) RETURNS void
LANGUAGE plpgsql SET search_path = {schema}, pg_temp
-- The planner does not know how few messages there are: it must take them from the index.
SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off AS $$
DECLARE
    v_group groups%ROWTYPE;
    v_lane lanes%ROWTYPE;
BEGIN
    -- The group first, as everybody does who takes a stretch back.
    SELECT * INTO v_group FROM groups WHERE id = p_group FOR NO KEY UPDATE;
    SELECT * INTO v_lane FROM lanes
     WHERE group_id = p_group AND stream_id = 0 AND worker = p_worker AND epoch = p_epoch FOR UPDATE;
    -- Where the pump was, the messages are in lanes.
    IF NOT FOUND OR v_lane.acked_seq <> v_group.hi THEN
        RAISE EXCEPTION 'fenced' USING ERRCODE = 'SRC03';
    END IF;
    INSERT INTO lanes AS l (group_id, stream_id, gen, state, head_seq, acked_seq, acked_pos, max_seq, ready_pos, epoch)
    SELECT p_group, m.stream_id, v_group.gen, 'idle', max(m.seq), max(m.seq), max(m.position), max(m.seq), max(m.position) + 1,
           p_group::bigint << 32
      FROM (SELECT * FROM messages AS n
             WHERE n.position > v_group.hi AND n.position <= p_upto
               AND n.type = ANY(v_group.types) AND n.decided_by IS DISTINCT FROM v_group.name
             ORDER BY n.position) AS m
     GROUP BY m.stream_id ORDER BY m.stream_id
        ON CONFLICT (group_id, stream_id) DO UPDATE
       SET gen = excluded.gen,
           -- What a reset asks of an older one, nobody has come to yet.
           head_seq = greatest(excluded.head_seq, CASE WHEN l.gen = excluded.gen THEN l.head_seq
               ELSE least(l.acked_seq, reset_seq(v_group, l.stream_id, v_group.reset_pos)) END),
           acked_seq = greatest(excluded.acked_seq, CASE WHEN l.gen = excluded.gen THEN l.acked_seq
               ELSE least(l.acked_seq, reset_seq(v_group, l.stream_id, v_group.reset_pos)) END),
           acked_pos = greatest(excluded.acked_pos, CASE WHEN l.gen = excluded.gen THEN l.acked_pos
               ELSE least(l.acked_pos, greatest(v_group.reset_pos, v_group.start_pos)) END),
           max_seq = greatest(l.max_seq, excluded.max_seq),
           ready_pos = greatest(l.ready_pos, excluded.ready_pos),
           state = 'idle', worker = NULL, due_at = NULL, attempts = 0, last_error = NULL,
           epoch = CASE WHEN l.gen < excluded.gen THEN l.epoch + 1 ELSE l.epoch END;
    v_group.hi := v_lane.head_seq;
    IF p_upto < v_lane.head_seq AND EXISTS (
        SELECT FROM messages AS m
         WHERE m.position > p_upto AND m.position <= v_lane.head_seq
           AND m.type = ANY(v_group.types) AND m.decided_by IS DISTINCT FROM v_group.name) THEN
        v_group.hi := p_upto;
    END IF;
    UPDATE groups SET hi = v_group.hi WHERE id = p_group;
    UPDATE lanes
       SET state = 'idle', acked_seq = v_group.hi, acked_pos = p_upto, due_at = NULL, worker = NULL, acked_epoch = epoch
     WHERE group_id = p_group AND stream_id = 0;
END $$;

-- Moves a claimed lane to a position, or fails as fenced. The lane's head is never behind what is acknowledged.
CREATE OR REPLACE FUNCTION {schema}.progress(p_group text, p_stream text, p_worker uuid, p_epoch bigint, p_upto bigint) RETURNS void
LANGUAGE plpgsql SET search_path = {schema}, pg_temp AS $$
DECLARE
    v_group groups%ROWTYPE;
    v_stream bigint := (SELECT id FROM streams WHERE name = p_stream);
    v_seq bigint;
    v_owes boolean;
BEGIN
    SELECT * INTO v_group FROM groups WHERE name = p_group;
    IF v_stream = 0 AND v_group.is_global THEN
        v_seq := p_upto; -- the whole log
    ELSIF v_stream = 0 THEN
        PERFORM progress_of_stretch(v_group.id, p_worker, p_epoch, p_upto);
        RETURN;
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
     WHERE group_id = v_group.id AND stream_id = v_stream AND worker = p_worker AND epoch = p_epoch
    RETURNING owes INTO v_owes;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'fenced' USING ERRCODE = 'SRC03';
    END IF;
    IF v_owes THEN
        PERFORM pay(v_group.id, v_stream, v_seq);
    END IF;
END $$;

-- Sorts the next part of the log into the lanes of a group. Gives how many new messages it looked at. A stretch that somebody
-- holds meanwhile is taken back: its messages are in lanes now.
ALTER FUNCTION {schema}.pump(int) RENAME TO sort_into_lanes;
CREATE FUNCTION {schema}.pump(p_group int) RETURNS bigint
LANGUAGE plpgsql SET search_path = {schema}, pg_temp AS $$
DECLARE
    v_new bigint := sort_into_lanes(p_group);
BEGIN
    UPDATE lanes AS l SET state = 'idle', worker = NULL, due_at = NULL
      FROM groups AS g
     WHERE g.id = p_group AND l.group_id = p_group AND l.stream_id = 0 AND l.state = 'claimed'
       AND NOT g.is_global AND l.acked_seq <> g.hi;
    RETURN v_new;
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
          WHERE l.stream_id = 0 AND g.is_global
            AND m.position >= greatest(l.ready_pos, l.acked_seq + 1) AND m.position <= l.head_seq
            AND is_after_start(g, m.position) AND m.type = ANY(g.types) AND m.decided_by IS DISTINCT FROM g.name
          ORDER BY m.position LIMIT 1)
        ORDER BY seq LIMIT 1
     ) AS m
     WHERE l.group_id = p_group AND l.stream_id = p_stream
$$;

-- Takes back all claims of a group whose row is locked, so that nobody claims. Waits for acks that have begun.
CREATE OR REPLACE FUNCTION {schema}.fence_group(p_group int) RETURNS void
LANGUAGE sql SET search_path = {schema}, pg_temp AS $$
    UPDATE lanes AS l
       SET state = CASE WHEN l.stream_id <> 0 OR (SELECT is_global FROM groups WHERE id = p_group) THEN 'ready' ELSE 'idle' END,
           due_at = NULL, worker = NULL
      FROM (SELECT group_id, stream_id FROM lanes
             WHERE group_id = p_group AND state IN ('ready', 'claimed') AND worker IS NOT NULL
             ORDER BY stream_id FOR UPDATE) AS held
     WHERE l.group_id = held.group_id AND l.stream_id = held.stream_id
$$;

-- Sorts the log into lanes, and gives back what is due.
CREATE OR REPLACE FUNCTION {schema}.prepare_lanes(p_behind int[], p_due int[]) RETURNS boolean
LANGUAGE plpgsql SET search_path = {schema}, pg_temp AS $$
DECLARE
    v_group int;
    v_more boolean := false;
BEGIN
    -- Whatever a crash takes back is done again from the log.
    PERFORM set_config('synchronous_commit', 'off', true);
    FOREACH v_group IN ARRAY p_behind LOOP
        v_more := pump(v_group) >= 2000 OR v_more;
    END LOOP;
    IF cardinality(p_due) > 0 THEN
        -- The holder of an overdue lease keeps its claim until somebody else takes it; but a stretch, which nobody takes over.
        UPDATE lanes AS l SET state = 'idle', due_at = NULL, worker = NULL
          FROM (SELECT s.group_id FROM lanes AS s JOIN groups AS g ON g.id = s.group_id
                 WHERE s.group_id = ANY(p_due) AND s.stream_id = 0 AND s.due_at <= now() AND NOT g.is_global
                   FOR UPDATE OF s SKIP LOCKED) AS due
         WHERE l.group_id = due.group_id AND l.stream_id = 0;
        UPDATE lanes AS l SET state = 'ready', due_at = NULL
          FROM (SELECT group_id, stream_id FROM lanes
                 WHERE group_id = ANY(p_due) AND due_at <= now()
                   AND (stream_id <> 0 OR (SELECT g.is_global FROM groups AS g WHERE g.id = group_id))
                 ORDER BY due_at LIMIT 1000 FOR UPDATE SKIP LOCKED) AS due
         WHERE l.group_id = due.group_id AND l.stream_id = due.stream_id;
    END IF;
    RETURN v_more;
END $$;

-- Sets a group back to `p_after`, or before the first message made at `p_since`; in one stream, or in all.
ALTER FUNCTION {schema}.reset_group(text, text, bigint, timestamptz) RENAME TO reset_lanes;
CREATE FUNCTION {schema}.reset_group(p_name text, p_stream text, p_after bigint, p_since timestamptz) RETURNS boolean
LANGUAGE plpgsql SET search_path = {schema}, pg_temp AS $$
DECLARE
    v_group int;
BEGIN
    -- A stretch that is held may be of any stream, so it is taken back.
    SELECT id INTO v_group FROM groups WHERE name = p_name AND NOT is_global FOR UPDATE;
    UPDATE lanes SET state = 'idle', worker = NULL, due_at = NULL, epoch = epoch + 1 WHERE group_id = v_group AND stream_id = 0;
    RETURN reset_lanes(p_name, p_stream, p_after, p_since);
END $$;

-- What there is to do for each group. Reads only: it is all that idle polling costs.
CREATE OR REPLACE VIEW {schema}.group_work AS
SELECT g.name, g.id,
       g.state = 'active' AND g.held_until <= clock_timestamp() AS is_active,
       cardinality(g.deferred) > 0
           -- Not `EXISTS (… position > g.hi)`: a third of the log is what the planner expects then, and reads it all.
           OR coalesce((SELECT max(m.position) FROM {schema}.messages AS m), 0) > g.hi
           OR EXISTS (SELECT FROM {schema}.messages AS m WHERE m.position = ANY(g.gaps)) AS behind,
       -- Nor `EXISTS (… due_at <= now())`, for the same reason: it would look at all lanes.
       coalesce((SELECT l.due_at FROM {schema}.lanes AS l
                  WHERE l.group_id = g.id AND l.due_at IS NOT NULL ORDER BY l.due_at LIMIT 1) <= now(), false) AS due,
       (SELECT l.ready_pos FROM {schema}.lanes AS l
         WHERE l.group_id = g.id AND l.gen = g.gen AND l.state = 'ready' ORDER BY l.ready_pos LIMIT 1) AS oldest,
       g.is_global
  FROM {schema}.groups AS g;

-- Brings the lanes of these groups up to date, if there is anything to do: one step of each. Gives the oldest message of
-- their ready lanes, whether there is more to do at once, and which of `p_stretches` can be given a stretch, being `p_far`
-- behind.
CREATE FUNCTION {schema}.look(p_groups text[], p_stretches text[], p_far bigint, p_lease bigint)
    RETURNS TABLE (group_name text, group_id int, oldest_ready bigint, has_more boolean, is_global boolean, has_stretch boolean)
LANGUAGE plpgsql SET search_path = {schema}, pg_temp
-- A plan that was made while there were few lanes must not read all of them later.
SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off AS $$
DECLARE
    v_behind int[];
    v_behind_in_log int[];
    v_due int[];
    v_waiting int[];
    v_stretches int[] := '{}';
    v_group int;
    v_more boolean := false;
BEGIN
    SELECT coalesce(array_agg(w.id ORDER BY w.id) FILTER (WHERE w.behind AND NOT w.is_global), '{}'),
           coalesce(array_agg(w.id ORDER BY w.id) FILTER (WHERE w.behind AND w.is_global), '{}'),
           coalesce(array_agg(w.id) FILTER (WHERE w.due), '{}')
      INTO v_behind, v_behind_in_log, v_due
      FROM group_work AS w WHERE w.name = ANY(p_groups) AND w.is_active;
    IF cardinality(p_stretches) > 0 AND cardinality(v_behind) > 0 THEN
        WITH steps AS MATERIALIZED (
            SELECT g.id, next_of_log(g.id, p_far, p_lease) AS step
              FROM groups AS g WHERE g.id = ANY(v_behind) AND g.name = ANY(p_stretches)
        )
        SELECT coalesce(array_agg(id) FILTER (WHERE step = 'wait'), '{}'), coalesce(array_agg(id) FILTER (WHERE step = 'stretch'), '{}')
          INTO v_waiting, v_stretches FROM steps;
        v_behind := ARRAY(SELECT unnest(v_behind) EXCEPT SELECT unnest(v_waiting || v_stretches) ORDER BY 1);
    END IF;
    IF cardinality(v_behind || v_due) > 0 THEN
        v_more := prepare_lanes(v_behind, v_due);
    END IF;
    FOREACH v_group IN ARRAY v_behind_in_log LOOP
        v_more := pump_log(v_group) OR v_more;
    END LOOP;
    RETURN QUERY SELECT w.name, w.id, CASE WHEN w.is_active THEN w.oldest END, v_more, w.is_global, w.id = ANY(v_stretches)
      FROM group_work AS w WHERE w.name = ANY(p_groups);
END $$;
