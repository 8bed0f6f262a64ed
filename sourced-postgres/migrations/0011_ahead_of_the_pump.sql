-- Claims that go ahead of the pump: a lane that is claimed brings all that its stream has for the group, and the pump passes
-- over it later without writing.

-- Moves a claimed lane to a position, or fails as fenced. The lane's head is never behind what is acknowledged.
CREATE OR REPLACE FUNCTION {schema}.progress(p_group text, p_stream text, p_worker uuid, p_epoch bigint, p_upto bigint) RETURNS void
LANGUAGE plpgsql SET search_path = {schema}, pg_temp AS $$
DECLARE
    v_group int := (SELECT id FROM groups WHERE name = p_group);
    v_stream bigint := (SELECT id FROM streams WHERE name = p_stream);
    v_seq bigint;
    v_owes boolean;
BEGIN
    SELECT seq INTO v_seq FROM messages WHERE position = p_upto AND stream_id = v_stream;
    IF v_seq IS NULL THEN
        SELECT coalesce(max(seq), 0) INTO v_seq FROM messages WHERE stream_id = v_stream AND position <= p_upto;
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

-- Moves claimed lanes to positions, all of them or it fails as fenced. Gives their ids, and the seqs at the positions.
CREATE OR REPLACE FUNCTION {schema}.progress_all(
    p_groups text[], p_lanes text[], p_workers uuid[], p_epochs bigint[], p_uptos bigint[],
    OUT groups int[], OUT lanes bigint[], OUT seqs bigint[])
LANGUAGE plpgsql SET search_path = {schema}, pg_temp
-- The planner does not know how many lanes there are: it must look each one up.
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off AS $$
DECLARE
    v_owes boolean[];
BEGIN
    WITH acks AS MATERIALIZED (
        SELECT a.nth, g.id AS group_id, s.id AS stream_id, a.worker, a.epoch, a.upto, coalesce(
                   (SELECT m.seq FROM {schema}.messages AS m WHERE m.position = a.upto AND m.stream_id = s.id),
                   (SELECT max(m.seq) FROM {schema}.messages AS m WHERE m.stream_id = s.id AND m.position <= a.upto), 0) AS seq
          FROM unnest(p_groups, p_lanes, p_workers, p_epochs, p_uptos) WITH ORDINALITY AS a (of_group, stream, worker, epoch, upto, nth)
          JOIN {schema}.groups AS g ON g.name = a.of_group
          JOIN {schema}.streams AS s ON s.name = a.stream
    ), moved AS (
        UPDATE {schema}.lanes AS l
           SET head_seq = greatest(l.head_seq, a.seq), acked_seq = greatest(l.acked_seq, a.seq), acked_pos = greatest(l.acked_pos, a.upto),
               max_seq = greatest(l.max_seq, a.seq), ready_pos = greatest(l.ready_pos, a.upto + 1),
               state = CASE WHEN l.head_seq > greatest(l.acked_seq, a.seq) THEN 'ready' ELSE 'idle' END,
               due_at = NULL, attempts = 0, last_error = NULL, worker = NULL, acked_epoch = l.epoch
          FROM acks AS a
         WHERE l.group_id = a.group_id AND l.stream_id = a.stream_id AND l.worker = a.worker AND l.epoch = a.epoch
        RETURNING a.nth, l.group_id, l.stream_id, a.seq, l.owes
    )
    SELECT array_agg(m.group_id ORDER BY m.nth), array_agg(m.stream_id ORDER BY m.nth), array_agg(m.seq ORDER BY m.nth), array_agg(m.owes ORDER BY m.nth)
      INTO groups, lanes, seqs, v_owes FROM moved AS m;
    IF cardinality(groups) IS DISTINCT FROM cardinality(p_groups) THEN
        RAISE EXCEPTION 'fenced' USING ERRCODE = 'SRC03';
    END IF;
    IF true = ANY(v_owes) THEN
        FOR i IN 1 .. cardinality(v_owes) LOOP
            IF v_owes[i] THEN
                PERFORM pay(groups[i], lanes[i], seqs[i]);
            END IF;
        END LOOP;
    END IF;
END $$;

-- Sorts the next part of the log into the lanes of a group. Gives how many new messages it looked at.
CREATE OR REPLACE FUNCTION {schema}.pump(p_group int) RETURNS bigint
LANGUAGE plpgsql SET search_path = {schema}, pg_temp
-- Planning it costs as much as running it. What it looks up by keys it must not read as a whole, however small it was when it was planned.
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off AS $$
DECLARE
    v_group groups%ROWTYPE;
    v_horizon bigint;
    v_new bigint;
    v_hi bigint;
    v_found bigint[];
    v_gaps bigint[];
    v_deferred bigint[];
BEGIN
    -- Beside claims, which hold the row too, and instead of other pumps.
    SELECT * INTO v_group FROM groups WHERE id = p_group AND state <> 'removed' FOR NO KEY UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN 0; -- somebody else is at it
    END IF;
    v_horizon := horizon();
    WITH batch AS MATERIALIZED (
        SELECT position, stream_id, seq, type, decided_by FROM messages
         WHERE position = ANY(v_group.gaps || v_group.deferred)
        UNION ALL
        -- With very many holes it waits for them, so that their list stays bounded.
        (SELECT position, stream_id, seq, type, decided_by FROM messages
          WHERE position > v_group.hi AND cardinality(v_group.gaps) < 10000 ORDER BY position LIMIT 2000)
    ), work AS MATERIALIZED (
        SELECT stream_id, min(seq) AS first_seq, max(seq) AS last_seq, min(position) AS first_pos, max(position) AS last_pos
          FROM batch
         WHERE type = ANY(v_group.types) AND decided_by IS DISTINCT FROM v_group.name
         GROUP BY stream_id
    ), known AS MATERIALIZED (
        -- One by one (`LIMIT`): the planner does not know how many lanes there are, and would read them all.
        SELECT l.stream_id, l.gen = v_group.gen AND greatest(l.head_seq, l.acked_seq) >= work.last_seq AS is_ahead
          FROM work
         CROSS JOIN LATERAL (
            SELECT stream_id, gen, head_seq, acked_seq FROM lanes WHERE group_id = p_group AND stream_id = work.stream_id LIMIT 1
         ) AS l
    ), news AS MATERIALIZED (
        -- Claims go ahead of the pump: a lane that has been there need not be locked.
        SELECT * FROM work WHERE stream_id NOT IN (SELECT stream_id FROM known WHERE is_ahead)
    ), unlocked AS MATERIALIZED (
        SELECT l.stream_id,
               CASE WHEN l.gen < v_group.gen THEN least(l.acked_seq, reset_seq(v_group, l.stream_id, v_group.reset_pos)) END AS reset_seq
          FROM news
         CROSS JOIN LATERAL (
            SELECT stream_id, gen, acked_seq FROM lanes WHERE group_id = p_group AND stream_id = news.stream_id
               FOR UPDATE SKIP LOCKED
         ) AS l
    ), busy AS MATERIALIZED (
        -- A lane in a slow transaction must not hold up all others: its messages are looked at again.
        SELECT stream_id FROM known WHERE NOT is_ahead EXCEPT SELECT stream_id FROM unlocked
    ), sorted AS (
        INSERT INTO lanes AS l (group_id, stream_id, gen, state, head_seq, acked_seq, ready_pos, epoch)
        SELECT p_group, stream_id, v_group.gen, 'ready', last_seq, coalesce(reset_seq, first_seq - 1), first_pos, p_group::bigint << 32
          FROM news LEFT JOIN unlocked USING (stream_id) WHERE stream_id NOT IN (SELECT stream_id FROM busy)
            ON CONFLICT (group_id, stream_id) DO UPDATE
           SET head_seq = greatest(l.head_seq, excluded.head_seq),
               state = CASE
                   WHEN l.gen = excluded.gen THEN
                       CASE WHEN l.state = 'idle' AND l.acked_seq < excluded.head_seq THEN 'ready' ELSE l.state END
                   WHEN l.owes OR excluded.acked_seq < greatest(l.head_seq, excluded.head_seq) THEN 'ready'
                   ELSE 'idle'
               END,
               ready_pos = CASE WHEN l.gen < excluded.gen OR l.state = 'idle' THEN excluded.ready_pos ELSE l.ready_pos END,
               -- After a reset it is nobody's: who held it was fenced when that began.
               gen = excluded.gen,
               acked_seq = CASE WHEN l.gen < excluded.gen THEN excluded.acked_seq ELSE l.acked_seq END,
               acked_pos = CASE
                   WHEN l.gen < excluded.gen THEN least(l.acked_pos, greatest(v_group.reset_pos, v_group.start_pos))
                   ELSE l.acked_pos
               END,
               epoch = CASE WHEN l.gen < excluded.gen THEN l.epoch + 1 ELSE l.epoch END,
               worker = CASE WHEN l.gen < excluded.gen THEN NULL ELSE l.worker END,
               due_at = CASE WHEN l.gen < excluded.gen THEN NULL ELSE l.due_at END,
               attempts = CASE WHEN l.gen < excluded.gen THEN 0 ELSE l.attempts END,
               last_error = CASE WHEN l.gen < excluded.gen THEN NULL ELSE l.last_error END
         WHERE l.head_seq < excluded.head_seq OR l.gen < excluded.gen
    )
    SELECT count(*) FILTER (WHERE position > v_group.hi),
           coalesce(greatest(max(position), v_group.hi), v_group.hi),
           coalesce(array_agg(position), '{}'),
           ARRAY(SELECT w.first_pos FROM work w JOIN busy USING (stream_id) UNION SELECT w.last_pos FROM work w JOIN busy USING (stream_id) ORDER BY 1)
      INTO v_new, v_hi, v_found, v_deferred
      FROM batch;
    -- Holes up to the horizon were rolled back: nothing will ever be there.
    v_gaps := ARRAY(
        SELECT hole FROM (
            SELECT unnest(v_group.gaps) AS hole UNION SELECT generate_series(greatest(v_group.hi, v_horizon) + 1, v_hi)
        ) AS holes
        WHERE hole > v_horizon AND NOT hole = ANY(v_found) ORDER BY hole);
    IF v_hi <> v_group.hi OR v_gaps <> v_group.gaps OR v_deferred <> v_group.deferred THEN
        UPDATE groups SET hi = v_hi, gaps = v_gaps, deferred = v_deferred WHERE id = p_group;
    END IF;
    RETURN v_new;
END $$;
