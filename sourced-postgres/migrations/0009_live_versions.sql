-- Which version of each table of a read model is the one that queries read.
CREATE TABLE {schema}.live_versions (
    name text COLLATE "C" PRIMARY KEY,
    version bigint NOT NULL,
    previous bigint,   -- the one whose place it took
    rolled_back bigint -- the one that nobody makes live again by himself
);

-- Until then nobody claims a lane of the group, nor settles one in a unit. Starting it ends that.
ALTER TABLE {schema}.groups ADD COLUMN held_until timestamptz NOT NULL DEFAULT '-infinity';

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
         WHERE l.group_id = g.id AND l.gen = g.gen AND l.state = 'ready' ORDER BY l.ready_pos LIMIT 1) AS oldest
  FROM {schema}.groups AS g;

-- Whether a group does not run, or has yet to handle something that another one has ever handled. Also when it has more to
-- handle than can be looked at: 1,000 lanes of a sort, each a few searches, and 10,000 messages that are not sorted into
-- lanes. So it costs the same however many lanes the two have.
CREATE FUNCTION {schema}.is_behind(p_group int, p_other int) RETURNS boolean
LANGUAGE plpgsql SET search_path = {schema}, pg_temp
-- The planner does not know how few there are: it must look each one up.
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off AS $$
DECLARE
    c_lanes CONSTANT bigint := 1000;
    c_messages CONSTANT bigint := 10000;
    v_group groups%ROWTYPE;
    v_streams bigint[];
BEGIN
    SELECT * INTO v_group FROM groups WHERE id = p_group;
    IF v_group.state IS DISTINCT FROM 'active'
       OR coalesce((SELECT max(position) FROM messages), 0) - v_group.hi > c_messages
       OR cardinality(v_group.gaps || v_group.deferred) > c_messages THEN
        RETURN true;
    END IF;
    v_streams := ARRAY(
        (SELECT stream_id FROM lanes WHERE group_id = p_group AND gen = v_group.gen AND state = 'ready' LIMIT c_lanes)
        UNION ALL
        (SELECT stream_id FROM lanes WHERE group_id = p_group AND due_at IS NOT NULL LIMIT c_lanes)
        UNION ALL
        (SELECT stream_id FROM lanes WHERE group_id = p_group AND state = 'parked' LIMIT c_lanes));
    IF cardinality(v_streams) >= c_lanes THEN
        RETURN true;
    END IF;
    RETURN EXISTS (
            SELECT FROM unnest(v_streams) AS n (stream_id)
              JOIN lanes AS o ON o.group_id = p_other AND o.stream_id = n.stream_id
             WHERE (SELECT f.seq FROM first_pending(p_group, n.stream_id) AS f) <= greatest(o.acked_seq, o.max_seq))
        OR EXISTS (
            SELECT FROM messages AS m
              JOIN lanes AS o ON o.group_id = p_other AND o.stream_id = m.stream_id AND greatest(o.acked_seq, o.max_seq) >= m.seq
             WHERE m.position > v_group.hi
               AND m.type = ANY(v_group.types) AND m.decided_by IS DISTINCT FROM v_group.name
               -- It may have handled it ahead of the pump.
               AND NOT EXISTS (SELECT FROM lanes AS n
                                WHERE n.group_id = p_group AND n.stream_id = m.stream_id AND n.gen = v_group.gen AND n.acked_seq >= m.seq))
        OR EXISTS (
            SELECT FROM messages AS m
              JOIN lanes AS o ON o.group_id = p_other AND o.stream_id = m.stream_id AND greatest(o.acked_seq, o.max_seq) >= m.seq
             WHERE m.position = ANY(v_group.gaps || v_group.deferred)
               AND m.type = ANY(v_group.types) AND m.decided_by IS DISTINCT FROM v_group.name
               -- It may have handled it ahead of the pump.
               AND NOT EXISTS (SELECT FROM lanes AS n
                                WHERE n.group_id = p_group AND n.stream_id = m.stream_id AND n.gen = v_group.gen AND n.acked_seq >= m.seq));
END $$;

-- Makes a version live if its group is not behind that of the one that is live, which is stopped then. Says what came of
-- it: done; unknown, the group; moved, as something else is live than was seen; behind.
CREATE FUNCTION {schema}.swap_version(
    p_table text, p_seen bigint, p_seen_previous bigint, p_seen_rolled_back bigint, p_version bigint,
    p_from text, p_to text, p_reason text) RETURNS text
LANGUAGE plpgsql SET search_path = {schema}, pg_temp AS $$
DECLARE
    v_to int;
    v_from int;
BEGIN
    PERFORM FROM live_versions
      WHERE name = p_table AND version = p_seen AND previous IS NOT DISTINCT FROM p_seen_previous
        AND rolled_back IS NOT DISTINCT FROM p_seen_rolled_back
        FOR UPDATE;
    IF NOT FOUND THEN
        RETURN CASE WHEN EXISTS (SELECT FROM groups WHERE name = p_to) THEN 'moved' ELSE 'unknown' END;
    END IF;
    v_to := (SELECT id FROM groups WHERE name = p_to);
    v_from := (SELECT id FROM groups WHERE name = p_from);
    IF v_to IS NULL THEN
        RETURN 'unknown';
    END IF;
    -- Nobody is held up for a look.
    IF is_behind(v_to, v_from) THEN
        RETURN 'behind';
    END IF;
    BEGIN
        -- It waits for whoever claims or acknowledges, and nobody does so until the end.
        PERFORM FROM groups WHERE id IN (v_to, v_from) ORDER BY id FOR UPDATE;
        PERFORM fence_group(v_from);
        IF is_behind(v_to, v_from) THEN
            RAISE EXCEPTION 'behind' USING ERRCODE = 'SRC09';
        END IF;
        -- Held, too, so that no unit of a program with the old version goes on with it.
        UPDATE groups
           SET state = 'stopped', state_reason = p_reason, state_at = clock_timestamp(), state_pos = NULL, held_until = 'infinity'
         WHERE id = v_from;
        UPDATE live_versions SET version = p_version, previous = p_seen, rolled_back = NULL WHERE name = p_table;
    EXCEPTION WHEN SQLSTATE 'SRC09' THEN
        RETURN 'behind';
    END;
    RETURN 'done';
END $$;

-- Makes a version live as it is, and starts its group. Says the same.
CREATE FUNCTION {schema}.roll_back_version(
    p_table text, p_seen bigint, p_seen_previous bigint, p_seen_rolled_back bigint, p_version bigint, p_to text) RETURNS text
LANGUAGE plpgsql SET search_path = {schema}, pg_temp AS $$
BEGIN
    UPDATE live_versions SET version = p_version, previous = NULL, rolled_back = p_seen
     WHERE name = p_table AND version = p_seen AND previous IS NOT DISTINCT FROM p_seen_previous
       AND rolled_back IS NOT DISTINCT FROM p_seen_rolled_back
       AND EXISTS (SELECT FROM groups WHERE name = p_to);
    IF NOT FOUND THEN
        RETURN CASE WHEN EXISTS (SELECT FROM groups WHERE name = p_to) THEN 'moved' ELSE 'unknown' END;
    END IF;
    -- Whoever forgets it waits for the row above.
    UPDATE groups SET state = 'active', state_reason = NULL, state_at = NULL, state_pos = NULL, held_until = '-infinity'
     WHERE name = p_to;
    RETURN 'done';
END $$;

-- Takes the group of a version out that is not live. False: it is live. The table is dropped by the caller.
CREATE FUNCTION {schema}.forget_version(p_table text, p_version bigint, p_group text) RETURNS boolean
LANGUAGE plpgsql SET search_path = {schema}, pg_temp AS $$
DECLARE
    v_live bigint;
BEGIN
    SELECT version INTO v_live FROM live_versions WHERE name = p_table FOR UPDATE;
    IF v_live = p_version THEN
        RETURN false;
    END IF;
    UPDATE live_versions SET previous = NULL WHERE name = p_table AND previous = p_version;
    PERFORM remove_group(p_group);
    RETURN true;
END $$;
