-- History goes on: a writer may say which event is the last one by its id, and a snapshot says which one it was taken at. So
-- what was made of a log that was set back meanwhile is noticed.
--
-- The functions get an argument more. Those without it stay, for programs that are connected to the older version.

-- As before; `p_modes` may be 3, too: the last event is that of `p_seqs`, and its id that of `p_ids`.
CREATE FUNCTION {schema}.append(
    p_streams text[], p_modes int[], p_seqs bigint[], p_ids uuid[], p_counts bigint[], p_last_events bigint[],
    m_stream int[], m_nth bigint[], m_id uuid[], m_kind text[], m_type text[], m_causation uuid[],
    m_correlation uuid[], m_created timestamptz[], m_decided text[], m_metadata text[], m_payload text[],
    OUT bases bigint[], OUT positions bigint[])
LANGUAGE plpgsql AS $$
DECLARE
    v_id bigint;
    v_version bigint;
    v_ids bigint[] := '{}';
BEGIN
    bases := '{}';
    FOR i IN 1 .. cardinality(p_streams) LOOP
        v_id := NULL;
        -- Most streams are there already, unless the writer thinks otherwise.
        IF p_modes[i] = 0 OR p_seqs[i] > 0 THEN
            UPDATE {schema}.streams AS s
               SET version = s.version + p_counts[i],
                   last_event_seq = CASE WHEN p_last_events[i] > 0 THEN s.version + p_last_events[i] ELSE s.last_event_seq END
             WHERE s.name = p_streams[i]
               AND CASE p_modes[i] WHEN 0 THEN true WHEN 1 THEN s.version = p_seqs[i] WHEN 2 THEN s.last_event_seq <= p_seqs[i]
                   ELSE s.last_event_seq = p_seqs[i] AND p_ids[i] = (
                       SELECT m.id FROM {schema}.messages AS m WHERE m.stream_id = s.id AND m.seq = p_seqs[i]) END
            RETURNING s.id, s.version INTO v_id, v_version;
        END IF;
        IF v_id IS NULL AND NOT (p_modes[i] IN (1, 3) AND p_seqs[i] > 0) THEN
            INSERT INTO {schema}.streams AS s (name, version, last_event_seq)
            VALUES (p_streams[i], p_counts[i], p_last_events[i])
            ON CONFLICT (name) DO UPDATE
               SET version = s.version + p_counts[i],
                   last_event_seq = CASE WHEN p_last_events[i] > 0 THEN s.version + p_last_events[i] ELSE s.last_event_seq END
             WHERE CASE p_modes[i] WHEN 0 THEN true WHEN 1 THEN s.version = p_seqs[i] ELSE s.last_event_seq <= p_seqs[i] END
            RETURNING s.id, s.version INTO v_id, v_version;
        END IF;
        IF v_id IS NULL THEN
            -- It may be our own earlier try: the ids decide before the expectation does.
            IF EXISTS (SELECT FROM {schema}.messages WHERE id = ANY(m_id)) THEN
                RAISE EXCEPTION 'a message is already stored' USING ERRCODE = 'SRC02';
            END IF;
            RAISE EXCEPTION 'conflict' USING ERRCODE = 'SRC01', DETAIL = i || ' ' || coalesce(
                (SELECT CASE WHEN p_modes[i] IN (2, 3) THEN s.last_event_seq ELSE s.version END
                   FROM {schema}.streams s WHERE s.name = p_streams[i]), 0);
        END IF;
        v_ids := v_ids || v_id;
        bases := bases || (v_version - p_counts[i]);
    END LOOP;
    -- After the streams are locked, so that positions inside a stream commit in order; before a number is drawn, so
    -- that no reader's horizon passes it.
    PERFORM pg_advisory_xact_lock_shared((('{schema}'::regnamespace::oid::bigint & 32767) << 48)
                                         | CASE WHEN is_called THEN last_value ELSE last_value - 1 END)
       FROM {schema}.position_seq;
    positions := ARRAY(SELECT nextval('{schema}.position_seq') FROM generate_series(1, cardinality(m_id)));
    INSERT INTO {schema}.messages
           (position, stream_id, seq, id, kind, type, causation_id, correlation_id, created_at, decided_by, metadata, payload)
    SELECT m.position, v_ids[m.stream], bases[m.stream] + m.nth, m.id, m.kind, m.type, m.causation, m.correlation,
           m.created, m.decided, m.metadata::json, m.payload::json
      FROM unnest(positions, m_stream, m_nth, m_id, m_kind, m_type, m_causation, m_correlation, m_created, m_decided, m_metadata, m_payload)
        AS m (position, stream, nth, id, kind, type, causation, correlation, created, decided, metadata, payload);
END $$;

-- As before, with ids.
CREATE FUNCTION {schema}.append_group(
    p_streams text[], p_modes int[], p_seqs bigint[], p_ids uuid[], p_counts bigint[], p_last_events bigint[],
    m_stream int[], m_nth bigint[], m_id uuid[], m_kind text[], m_type text[], m_causation uuid[],
    m_correlation uuid[], m_created timestamptz[], m_decided text[], m_metadata text[], m_payload text[],
    OUT bases bigint[], OUT actuals bigint[], OUT positions bigint[])
LANGUAGE plpgsql AS $$
DECLARE
    v_held bigint[];
    v_new bigint[];
    v_ids bigint[];
BEGIN
    v_held := ARRAY(SELECT id FROM {schema}.streams WHERE name = ANY(p_streams) FOR NO KEY UPDATE SKIP LOCKED);
    IF cardinality(v_held) < cardinality(p_streams) THEN
        -- For a stream that somebody else has made and not committed there is no way not to wait.
        PERFORM set_config('lock_timeout', '20ms', true);
        WITH made AS (
            INSERT INTO {schema}.streams (name, version, last_event_seq)
            SELECT g.name, 0, 0 FROM unnest(p_streams, p_modes, p_seqs) AS g (name, mode, seq)
             WHERE NOT (g.mode IN (1, 3) AND g.seq > 0)
               AND NOT EXISTS (SELECT FROM {schema}.streams AS s WHERE s.name = g.name)
             ORDER BY g.name COLLATE "C"
            ON CONFLICT (name) DO NOTHING
            RETURNING id
        )
        SELECT array_agg(id) INTO v_new FROM made;
        v_held := v_held || v_new;
    END IF;
    -- A statement of its own: it sees the streams as they were when they were locked.
    WITH moved AS (
        UPDATE {schema}.streams AS s
           SET version = s.version + g.count,
               last_event_seq = CASE WHEN g.last_event > 0 THEN s.version + g.last_event ELSE s.last_event_seq END
          FROM unnest(p_streams, p_modes, p_seqs, p_ids, p_counts, p_last_events) WITH ORDINALITY
            AS g (name, mode, seq, last_id, count, last_event, nth)
         WHERE s.name = g.name AND s.id = ANY(v_held)
           AND CASE g.mode WHEN 0 THEN true WHEN 1 THEN s.version = g.seq WHEN 2 THEN s.last_event_seq <= g.seq
               ELSE s.last_event_seq = g.seq AND g.last_id = (
                   SELECT m.id FROM {schema}.messages AS m WHERE m.stream_id = s.id AND m.seq = g.seq) END
        RETURNING g.nth, s.id, s.version - g.count AS base
    )
    SELECT array_agg(moved.id ORDER BY g.nth), array_agg(moved.base ORDER BY g.nth) INTO v_ids, bases
      FROM generate_subscripts(p_streams, 1) AS g (nth) LEFT JOIN moved ON moved.nth = g.nth;
    IF array_position(bases, NULL) IS NOT NULL THEN
        actuals := ARRAY(
            SELECT CASE WHEN bases[g.nth] IS NULL AND NOT EXISTS (
                        -- It may be an earlier try of the same: the ids decide before the expectation does.
                        SELECT FROM unnest(m_stream, m_id) AS new (stream, id)
                          JOIN {schema}.messages AS m ON m.id = new.id WHERE new.stream = g.nth)
                   THEN CASE WHEN g.mode IN (2, 3) THEN s.last_event_seq ELSE s.version END END
              FROM unnest(p_streams, p_modes) WITH ORDINALITY AS g (name, mode, nth)
              LEFT JOIN {schema}.streams AS s ON s.name = g.name AND s.id = ANY(v_held)
             ORDER BY g.nth);
    END IF;
    PERFORM pg_advisory_xact_lock_shared((('{schema}'::regnamespace::oid::bigint & 32767) << 48)
                                         | CASE WHEN is_called THEN last_value ELSE last_value - 1 END)
       FROM {schema}.position_seq;
    positions := ARRAY(
        SELECT CASE WHEN bases[m_stream[i]] IS NOT NULL THEN nextval('{schema}.position_seq') END
          FROM generate_subscripts(m_stream, 1) AS i);
    INSERT INTO {schema}.messages
           (position, stream_id, seq, id, kind, type, causation_id, correlation_id, created_at, decided_by, metadata, payload)
    SELECT m.position, v_ids[m.stream], bases[m.stream] + m.nth, m.id, m.kind, m.type, m.causation, m.correlation,
           m.created, m.decided, m.metadata::json, m.payload::json
      FROM unnest(positions, m_stream, m_nth, m_id, m_kind, m_type, m_causation, m_correlation, m_created, m_decided, m_metadata, m_payload)
        AS m (position, stream, nth, id, kind, type, causation, correlation, created, decided, metadata, payload)
     WHERE m.position IS NOT NULL;
END $$;

-- As before, with ids.
CREATE FUNCTION {schema}.ack(
    p_group text, p_stream text, p_worker uuid, p_epoch bigint, p_upto bigint, p_refused uuid[], p_reasons text[],
    p_streams text[], p_modes int[], p_seqs bigint[], p_ids uuid[], p_counts bigint[], p_last_events bigint[],
    m_stream int[], m_nth bigint[], m_id uuid[], m_kind text[], m_type text[], m_causation uuid[],
    m_correlation uuid[], m_created timestamptz[], m_decided text[], m_metadata text[], m_payload text[],
    OUT xid text, OUT bases bigint[], OUT positions bigint[])
LANGUAGE plpgsql SET search_path = {schema}, pg_temp AS $$
BEGIN
    -- The fence comes first: whoever takes the lane over waits here, and a lost claim stores nothing.
    PERFORM progress(p_group, p_stream, p_worker, p_epoch, p_upto);
    IF cardinality(p_streams) > 0 THEN
        SELECT a.bases, a.positions INTO bases, positions
          FROM append(p_streams, p_modes, p_seqs, p_ids, p_counts, p_last_events, m_stream, m_nth, m_id, m_kind, m_type,
                      m_causation, m_correlation, m_created, m_decided, m_metadata, m_payload) AS a;
    END IF;
    IF cardinality(p_refused) > 0 THEN
        INSERT INTO refusals (command, reason) SELECT * FROM unnest(p_refused, p_reasons)
        ON CONFLICT DO NOTHING; -- the first answer stands
    END IF;
    xid := pg_current_xact_id()::text;
END $$;

-- As before, with ids.
CREATE FUNCTION {schema}.ack_all(
    p_groups text[], p_lanes text[], p_workers uuid[], p_epochs bigint[], p_uptos bigint[], p_leases bigint[], p_acks int[],
    p_refused uuid[], p_reasons text[], d_collections text[], d_keys text[], d_values text[],
    p_streams text[], p_modes int[], p_seqs bigint[], p_ids uuid[], p_counts bigint[], p_last_events bigint[],
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
          FROM append(p_streams, p_modes, p_seqs, p_ids, p_counts, p_last_events, m_stream, m_nth, m_id, m_kind, m_type,
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

-- A snapshot without an event was written by an older program, and is passed over.
ALTER TABLE {schema}.snapshots ADD COLUMN event uuid;
ALTER TABLE {schema}.snapshot_bases ADD COLUMN event uuid;
UPDATE {schema}.snapshots AS k SET event = m.id
  FROM {schema}.streams AS s JOIN {schema}.messages AS m ON m.stream_id = s.id
 WHERE s.name = k.stream AND m.seq = k.seq;
UPDATE {schema}.snapshot_bases AS k SET event = m.id
  FROM {schema}.streams AS s JOIN {schema}.messages AS m ON m.stream_id = s.id
 WHERE s.name = k.stream AND m.seq = k.seq;

-- The last position that exists, up to which everything is decided.
CREATE OR REPLACE FUNCTION {schema}.horizon() RETURNS bigint
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_last bigint;
    v_lowest bigint;
    v_space bigint := '{schema}'::regnamespace::oid::bigint & 32767;
BEGIN
    -- In this order: who drew a number up to `v_last` had published its lock before.
    v_last := (SELECT CASE WHEN is_called THEN last_value ELSE last_value - 1 END FROM {schema}.position_seq);
    SELECT min(((classid::bigint & 65535) << 32) | objid::bigint) INTO v_lowest
      FROM pg_locks
     WHERE locktype = 'advisory' AND objsubid = 1 AND mode = 'ShareLock' AND granted
       AND classid::bigint >> 16 = v_space
       AND database = (SELECT oid FROM pg_database WHERE datname = current_database());
    -- Beyond what is stored there may be numbers that were drawn for nothing. After a crash the sequence may go back behind
    -- those, and give them once more, but never behind a number that was committed.
    RETURN coalesce((SELECT max(position) FROM {schema}.messages WHERE position <= least(v_last, coalesce(v_lowest, v_last))), 0);
END $$;
