-- Which version of each table of a read model is the one that queries read.
CREATE TABLE {schema}.live_versions (
    name text COLLATE "C" PRIMARY KEY,
    version bigint NOT NULL,
    previous bigint,   -- the one whose place it took
    rolled_back bigint -- the one that nobody makes live again by himself
);

-- Whether a group does not run, or has yet to handle something that another one has handled. What is dear comes last.
CREATE FUNCTION {schema}.is_behind(p_group int, p_other int) RETURNS boolean
LANGUAGE plpgsql SET search_path = {schema}, pg_temp AS $$
DECLARE
    v_group groups%ROWTYPE;
    v_upto bigint;
BEGIN
    SELECT * INTO v_group FROM groups WHERE id = p_group;
    IF v_group.state <> 'active' THEN
        RETURN true;
    END IF;
    IF EXISTS (
        SELECT FROM lanes AS n
          JOIN lanes AS o ON o.group_id = p_other AND o.stream_id = n.stream_id
         WHERE n.group_id = p_group AND n.state <> 'idle' AND n.ready_pos <= o.acked_pos
           AND (SELECT f.pos FROM first_pending(n.group_id, n.stream_id) AS f) <= o.acked_pos) THEN
        RETURN true;
    END IF;
    v_upto := coalesce((SELECT max(acked_pos) FROM lanes WHERE group_id = p_other), 0);
    -- What is not sorted into lanes yet.
    RETURN v_group.hi < v_upto OR EXISTS (
        SELECT FROM messages AS m
         WHERE m.position = ANY(v_group.gaps || v_group.deferred) AND m.position <= v_upto
           AND m.type = ANY(v_group.types) AND m.decided_by IS DISTINCT FROM v_group.name);
END $$;

-- Makes a version live if its group is not behind that of the one that is live, which is stopped then. Says what came of
-- it: done; unknown, the group; moved, as something else is live than was seen; behind.
CREATE FUNCTION {schema}.swap_version(
    p_table text, p_seen bigint, p_seen_previous bigint, p_seen_rolled_back bigint, p_version bigint,
    p_from text, p_to text, p_reason text) RETURNS text
LANGUAGE plpgsql SET search_path = {schema}, pg_temp AS $$
DECLARE
    v_to int := (SELECT id FROM groups WHERE name = p_to);
    v_from int := (SELECT id FROM groups WHERE name = p_from);
BEGIN
    IF v_to IS NULL THEN
        RETURN 'unknown';
    END IF;
    PERFORM FROM live_versions
      WHERE name = p_table AND version = p_seen AND previous IS NOT DISTINCT FROM p_seen_previous
        AND rolled_back IS NOT DISTINCT FROM p_seen_rolled_back
        FOR UPDATE;
    IF NOT FOUND THEN
        RETURN 'moved';
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
        UPDATE groups SET state = 'stopped', state_reason = p_reason, state_at = clock_timestamp() WHERE id = v_from;
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
    PERFORM FROM groups WHERE name = p_to FOR UPDATE;
    IF NOT FOUND THEN
        RETURN 'unknown';
    END IF;
    UPDATE live_versions SET version = p_version, previous = NULL, rolled_back = p_seen
     WHERE name = p_table AND version = p_seen AND previous IS NOT DISTINCT FROM p_seen_previous
       AND rolled_back IS NOT DISTINCT FROM p_seen_rolled_back;
    IF NOT FOUND THEN
        RETURN 'moved';
    END IF;
    UPDATE groups SET state = 'active', state_reason = NULL, state_at = NULL WHERE name = p_to;
    RETURN 'done';
END $$;
