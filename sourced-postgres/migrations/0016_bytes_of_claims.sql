-- Claims have a bound in bytes.

-- Where the next claim of the log ends that a group is given behind `p_after`: at the last message of those that are `p_messages`
-- at most and have `p_bytes` bytes of payloads and metadata, the first one whatever its size; or at `p_end`, when all up to
-- there fit. One after the other, so that what does not fit is not read.
CREATE FUNCTION {schema}.end_of_claim(
    p_group {schema}.groups, p_after bigint, p_end bigint, p_messages bigint, p_bytes bigint) RETURNS bigint
LANGUAGE plpgsql STABLE SET search_path = {schema}, pg_temp
-- The planner does not know how few messages there are: it must take them from the index.
SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off AS $$
DECLARE
    v_message record;
    v_last bigint;
    v_bytes bigint := 0;
    v_messages bigint := 0;
BEGIN
    FOR v_message IN
        SELECT m.position, m.payload, m.metadata FROM messages AS m
         WHERE m.position > p_after AND m.position <= p_end AND is_after_start(p_group, m.position)
           AND m.type = ANY(p_group.types) AND m.decided_by IS DISTINCT FROM p_group.name
         ORDER BY m.position LIMIT p_messages
    LOOP
        v_bytes := v_bytes + octet_length(v_message.payload::text) + coalesce(octet_length(v_message.metadata::text), 0);
        IF v_bytes > p_bytes AND v_messages > 0 THEN
            RETURN v_last;
        END IF;
        v_last := v_message.position;
        v_messages := v_messages + 1;
    END LOOP;
    RETURN CASE WHEN v_messages < p_messages THEN p_end ELSE v_last END;
END $$;

-- As before, of `p_bytes` bytes at most.
CREATE FUNCTION {schema}.claim_log(p_group int, p_worker uuid, p_lease bigint, p_messages bigint, p_bytes bigint)
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
    v_after bigint;
    v_end bigint;
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
    -- Statements of their own: they see all up to the head, which is decided, whoever has moved that and when.
    v_after := greatest(v_lane.ready_pos - 1, v_lane.acked_seq);
    v_end := end_of_claim(v_group, v_after, v_lane.head_seq, p_messages, p_bytes);
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
             WHERE n.position > v_after AND n.position <= v_end
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

-- As before, of `p_bytes` bytes at most.
CREATE FUNCTION {schema}.claim_stretch(
    p_group int, p_worker uuid, p_lease bigint, p_messages bigint, p_bytes bigint,
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
    upto := end_of_claim(v_group, v_group.hi, v_end, p_messages, p_bytes);
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
