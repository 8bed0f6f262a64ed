-- Acknowledgements of several lanes in one transaction, and looking for work in one call.

-- Moves a claimed lane to a position, or fails as fenced.
CREATE FUNCTION {schema}.progress(p_group text, p_stream text, p_worker uuid, p_epoch bigint, p_upto bigint) RETURNS void
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
       SET acked_seq = greatest(acked_seq, v_seq), acked_pos = greatest(acked_pos, p_upto),
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

-- Ends a claim with progress: fence, appends, refusals and the lane, together.
CREATE OR REPLACE FUNCTION {schema}.ack(
    p_group text, p_stream text, p_worker uuid, p_epoch bigint, p_upto bigint, p_refused uuid[], p_reasons text[],
    p_streams text[], p_modes int[], p_seqs bigint[], p_counts bigint[], p_last_events bigint[],
    m_stream int[], m_nth bigint[], m_id uuid[], m_kind text[], m_type text[], m_causation uuid[],
    m_correlation uuid[], m_created timestamptz[], m_decided text[], m_metadata text[], m_payload text[],
    OUT xid text, OUT bases bigint[], OUT positions bigint[])
LANGUAGE plpgsql SET search_path = {schema}, pg_temp AS $$
BEGIN
    -- The fence comes first: whoever takes the lane over waits here, and a lost claim stores nothing.
    PERFORM progress(p_group, p_stream, p_worker, p_epoch, p_upto);
    IF cardinality(p_streams) > 0 THEN
        SELECT a.bases, a.positions INTO bases, positions
          FROM append(p_streams, p_modes, p_seqs, p_counts, p_last_events, m_stream, m_nth, m_id, m_kind, m_type,
                      m_causation, m_correlation, m_created, m_decided, m_metadata, m_payload) AS a;
    END IF;
    IF cardinality(p_refused) > 0 THEN
        INSERT INTO refusals (command, reason) SELECT * FROM unnest(p_refused, p_reasons)
        ON CONFLICT DO NOTHING; -- the first answer stands
    END IF;
    xid := pg_current_xact_id()::text;
END $$;

-- Ends several claims with progress, or none: fences, appends, refusals, and the documents that their sync actions wrote
-- (a null value deletes). Whoever calls it does each alone when this fails. `p_acks` says for each append which of the
-- claims it is to the own stream of, or 0. Where nothing else waits there, that claim goes on for `p_leases` microseconds,
-- and `handed_on` has the numbers of the messages that its group handles.
CREATE FUNCTION {schema}.ack_all(
    p_groups text[], p_lanes text[], p_workers uuid[], p_epochs bigint[], p_uptos bigint[], p_leases bigint[], p_acks int[],
    p_refused uuid[], p_reasons text[], d_collections text[], d_keys text[], d_values text[],
    p_streams text[], p_modes int[], p_seqs bigint[], p_counts bigint[], p_last_events bigint[],
    m_stream int[], m_nth bigint[], m_id uuid[], m_kind text[], m_type text[], m_causation uuid[],
    m_correlation uuid[], m_created timestamptz[], m_decided text[], m_metadata text[], m_payload text[],
    OUT bases bigint[], OUT positions bigint[], OUT handed_on bigint[])
LANGUAGE plpgsql SET search_path = {schema}, pg_temp AS $$
DECLARE
    v_groups int[];
    v_lanes bigint[];
    v_seqs bigint[];
BEGIN
    -- A stream or a document that a slow transaction has locked must not hold up all of them.
    PERFORM set_config('lock_timeout', '20ms', true);
    -- Nobody waits for a lane but who takes it over. Streams and documents are locked in the order of their names.
    SELECT a.groups, a.lanes, a.seqs INTO v_groups, v_lanes, v_seqs
      FROM progress_all(p_groups, p_lanes, p_workers, p_epochs, p_uptos) AS a;
    IF cardinality(p_streams) > 0 THEN
        SELECT a.bases, a.positions INTO bases, positions
          FROM append(p_streams, p_modes, p_seqs, p_counts, p_last_events, m_stream, m_nth, m_id, m_kind, m_type,
                      m_causation, m_correlation, m_created, m_decided, m_metadata, m_payload) AS a;
    END IF;
    IF 0 < ANY(p_acks) THEN
        handed_on := hand_on(v_groups, v_lanes, v_seqs, p_workers, p_leases, p_acks, bases, positions, m_stream, m_nth, m_type, m_decided);
    END IF;
    IF cardinality(p_refused) > 0 THEN
        INSERT INTO refusals (command, reason) SELECT * FROM unnest(p_refused, p_reasons)
        ON CONFLICT DO NOTHING; -- the first answer stands
    END IF;
    IF cardinality(d_keys) > 0 THEN
        PERFORM write_documents(d_collections, d_keys, d_values);
    END IF;
END $$;

-- Moves claimed lanes to positions, all of them or it fails as fenced. Gives their ids, and the seqs at the positions.
CREATE FUNCTION {schema}.progress_all(
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
           SET acked_seq = greatest(l.acked_seq, a.seq), acked_pos = greatest(l.acked_pos, a.upto),
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

-- Goes on with what acknowledgements have appended to their own streams: claims the lanes of those where nothing lies
-- between what is acknowledged and what was appended, and nothing is owed. The types cannot change meanwhile: that
-- waits for the lanes, and takes them back.
CREATE FUNCTION {schema}.hand_on(
    p_groups int[], p_lanes bigint[], p_seqs bigint[], p_workers uuid[], p_leases bigint[], p_acks int[],
    p_bases bigint[], m_position bigint[], m_stream int[], m_nth bigint[], m_type text[], m_decided text[]) RETURNS bigint[]
LANGUAGE plpgsql SET search_path = {schema}, pg_temp
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off AS $$
DECLARE
    v_nths bigint[];
BEGIN
    WITH news AS MATERIALIZED (
        SELECT p_acks[m.of_append] AS ack, min(m.position) AS first, max(p_bases[m.of_append] + m.nth_in_append) AS last,
               array_agg(m.nth) AS nths
          FROM unnest(m_stream, m_nth, m_type, m_decided, m_position) WITH ORDINALITY
               AS m (of_append, nth_in_append, type, decided, position, nth)
          JOIN groups AS g ON g.id = p_groups[p_acks[m.of_append]] AND g.state = 'active'
         WHERE p_bases[m.of_append] = p_seqs[p_acks[m.of_append]]
           AND m.type = ANY(g.types) AND m.decided IS DISTINCT FROM g.name
         GROUP BY p_acks[m.of_append]
    ), held AS (
        UPDATE lanes AS l
           SET state = 'claimed', worker = p_workers[n.ack], epoch = l.epoch + 1, head_seq = greatest(l.head_seq, n.last),
               ready_pos = n.first, due_at = clock_timestamp() + p_leases[n.ack] * interval '1 microsecond'
          FROM news AS n
         WHERE l.group_id = p_groups[n.ack] AND l.stream_id = p_lanes[n.ack]
           AND l.state = 'idle' AND l.acked_seq = p_seqs[n.ack]
        RETURNING n.nths
    )
    SELECT array_agg(nth) INTO v_nths FROM held CROSS JOIN unnest(held.nths) AS nth;
    RETURN v_nths;
END $$;

-- Writes documents, which come in the order of their names and each once; a null value deletes.
CREATE FUNCTION {schema}.write_documents(p_collections text[], p_keys text[], p_values text[]) RETURNS void
LANGUAGE plpgsql SET search_path = {schema}, pg_temp
-- The planner does not know how many rows there are: it must look each one up.
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off AS $$
DECLARE
    v_missing bigint[];
BEGIN
    IF array_position(p_values, NULL) IS NOT NULL THEN
        DELETE FROM documents AS d USING unnest(p_collections, p_keys, p_values) AS w (collection, key, value)
         WHERE d.collection = w.collection AND d.key = w.key AND w.value IS NULL;
    END IF;
    WITH written AS MATERIALIZED (
        UPDATE documents AS d SET value = w.value::json
          FROM unnest(p_collections, p_keys, p_values) WITH ORDINALITY AS w (collection, key, value, nth)
         WHERE d.collection = w.collection AND d.key = w.key AND w.value IS NOT NULL
        RETURNING w.nth
    )
    SELECT array_agg(nth) INTO v_missing FROM generate_subscripts(p_keys, 1) AS w (nth)
     WHERE p_values[nth] IS NOT NULL AND nth NOT IN (SELECT written.nth FROM written);
    IF v_missing IS NULL THEN
        RETURN;
    END IF;
    -- As `put_document` does it.
    PERFORM pg_advisory_xact_lock_shared(space, key)
       FROM (SELECT DISTINCT hashtext(current_schema() || '.' || p_collections[nth]) AS space, hashtext(p_keys[nth]) & 1023 AS key
               FROM unnest(v_missing) AS m (nth) ORDER BY 1, 2) AS locks;
    INSERT INTO documents (collection, key, value)
    SELECT p_collections[nth], p_keys[nth], p_values[nth]::json FROM unnest(v_missing) AS m (nth) ORDER BY nth
        ON CONFLICT (collection, key) DO UPDATE SET value = excluded.value;
END $$;

-- What there is to do for each group. Reads only: it is all that idle polling costs.
CREATE VIEW {schema}.group_work AS
SELECT g.name, g.id,
       g.state = 'active' AS is_active,
       cardinality(g.deferred) > 0
           -- Not `EXISTS (… position > g.hi)`: a third of the log is what the planner expects then, and reads it all.
           OR coalesce((SELECT max(m.position) FROM {schema}.messages AS m), 0) > g.hi
           OR EXISTS (SELECT FROM {schema}.messages AS m WHERE m.position = ANY(g.gaps)) AS behind,
       EXISTS (SELECT FROM {schema}.lanes AS l WHERE l.group_id = g.id AND l.due_at <= now()) AS due,
       (SELECT l.ready_pos FROM {schema}.lanes AS l
         WHERE l.group_id = g.id AND l.gen = g.gen AND l.state = 'ready' ORDER BY l.ready_pos LIMIT 1) AS oldest
  FROM {schema}.groups AS g;

-- Brings the lanes of these groups up to date, if there is anything to do: one step of each. Gives the oldest message of
-- their ready lanes, and whether there is more to do at once.
CREATE FUNCTION {schema}.look(p_groups text[])
    RETURNS TABLE (group_name text, group_id int, oldest_ready bigint, has_more boolean)
LANGUAGE plpgsql SET search_path = {schema}, pg_temp AS $$
DECLARE
    v_behind int[];
    v_due int[];
    v_more boolean := false;
BEGIN
    SELECT coalesce(array_agg(w.id ORDER BY w.id) FILTER (WHERE w.behind), '{}'),
           coalesce(array_agg(w.id) FILTER (WHERE w.due), '{}')
      INTO v_behind, v_due
      FROM group_work AS w WHERE w.name = ANY(p_groups) AND w.is_active;
    IF cardinality(v_behind || v_due) > 0 THEN
        v_more := prepare_lanes(v_behind, v_due);
    END IF;
    RETURN QUERY SELECT w.name, w.id, CASE WHEN w.is_active THEN w.oldest END, v_more
      FROM group_work AS w WHERE w.name = ANY(p_groups);
END $$;
