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
-- (a null value deletes). Whoever calls it does each alone when this fails.
CREATE FUNCTION {schema}.ack_all(
    p_groups text[], p_lanes text[], p_workers uuid[], p_epochs bigint[], p_uptos bigint[],
    p_refused uuid[], p_reasons text[], d_collections text[], d_keys text[], d_values text[],
    p_streams text[], p_modes int[], p_seqs bigint[], p_counts bigint[], p_last_events bigint[],
    m_stream int[], m_nth bigint[], m_id uuid[], m_kind text[], m_type text[], m_causation uuid[],
    m_correlation uuid[], m_created timestamptz[], m_decided text[], m_metadata text[], m_payload text[],
    OUT bases bigint[], OUT positions bigint[])
LANGUAGE plpgsql SET search_path = {schema}, pg_temp AS $$
BEGIN
    -- A stream or a document that a slow transaction has locked must not hold up all of them.
    PERFORM set_config('lock_timeout', '20ms', true);
    -- Nobody waits for a lane but who takes it over. Streams and documents are locked in the order of their names.
    FOR i IN 1 .. cardinality(p_groups) LOOP
        PERFORM progress(p_groups[i], p_lanes[i], p_workers[i], p_epochs[i], p_uptos[i]);
    END LOOP;
    IF cardinality(p_streams) > 0 THEN
        SELECT a.bases, a.positions INTO bases, positions
          FROM append(p_streams, p_modes, p_seqs, p_counts, p_last_events, m_stream, m_nth, m_id, m_kind, m_type,
                      m_causation, m_correlation, m_created, m_decided, m_metadata, m_payload) AS a;
    END IF;
    IF cardinality(p_refused) > 0 THEN
        INSERT INTO refusals (command, reason) SELECT * FROM unnest(p_refused, p_reasons)
        ON CONFLICT DO NOTHING; -- the first answer stands
    END IF;
    FOR i IN 1 .. cardinality(d_collections) LOOP
        IF d_values[i] IS NULL THEN
            DELETE FROM documents WHERE collection = d_collections[i] AND key = d_keys[i];
        ELSE
            PERFORM put_document(d_collections[i], d_keys[i], d_values[i]);
        END IF;
    END LOOP;
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
