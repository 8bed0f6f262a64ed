-- The log, the consumer groups with their lanes, and the documents.
-- `{schema}` stands for the quoted name of the schema.

CREATE TABLE {schema}.streams (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text COLLATE "C" NOT NULL UNIQUE,
    version bigint NOT NULL,
    last_event_seq bigint NOT NULL
) WITH (fillfactor = 80); -- no index has `version`, so an append updates the row in its place

-- One number at a time: a session that caches some would draw them in the wrong order.
CREATE SEQUENCE {schema}.position_seq AS bigint CACHE 1;

CREATE TABLE {schema}.messages (
    position bigint PRIMARY KEY,
    stream_id bigint NOT NULL,
    seq bigint NOT NULL,
    id uuid NOT NULL,
    kind text NOT NULL,
    type text COLLATE "C" NOT NULL,
    causation_id uuid NOT NULL,
    correlation_id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    decided_by text COLLATE "C",
    metadata json,
    payload json NOT NULL, -- not jsonb, which changes what it is given
    CONSTRAINT messages_stream_seq UNIQUE (stream_id, seq),
    CONSTRAINT messages_id UNIQUE (id)
);
CREATE INDEX messages_correlation ON {schema}.messages (correlation_id);

CREATE TABLE {schema}.groups (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text COLLATE "C" NOT NULL UNIQUE,
    types text[] NOT NULL,
    types_version int NOT NULL DEFAULT 0,   -- goes up when it takes up more types
    gen int NOT NULL DEFAULT 0,
    -- Where the group began: needed again when it takes up more types.
    start_pos bigint NOT NULL,
    start_gaps bigint[] NOT NULL,
    -- Everything up to `hi` is sorted into lanes, but `gaps`, whose writers had not committed, and `deferred`, whose
    -- lanes were locked.
    hi bigint NOT NULL,
    gaps bigint[] NOT NULL,
    deferred bigint[] NOT NULL DEFAULT '{}'
) WITH (fillfactor = 50);

CREATE TABLE {schema}.lanes (
    group_id int NOT NULL,
    stream_id bigint NOT NULL,
    gen int NOT NULL,
    types_version int NOT NULL,             -- the same as the group's: a claim that looks at older types gets no lane
    state text NOT NULL CHECK (state IN ('idle', 'ready', 'claimed', 'delayed', 'parked')),
    head_seq bigint NOT NULL,               -- the last message known to be work
    acked_seq bigint NOT NULL,
    acked_pos bigint NOT NULL DEFAULT 0,
    max_seq bigint NOT NULL DEFAULT 0,      -- the highest ever acknowledged: up to here it is a replay
    ready_pos bigint NOT NULL,              -- no pending message is older: the order of the ready ones
    due_at timestamptz,                     -- when a claimed or delayed lane becomes ready by itself
    attempts int NOT NULL DEFAULT 0,
    last_error text,
    worker uuid,
    epoch bigint NOT NULL DEFAULT 0,
    acked_epoch bigint NOT NULL DEFAULT 0,  -- the claim that made the last progress
    PRIMARY KEY (group_id, stream_id)
) WITH (fillfactor = 75, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX lanes_ready ON {schema}.lanes (group_id, ready_pos) WHERE state = 'ready';
CREATE INDEX lanes_due ON {schema}.lanes (group_id, due_at) WHERE due_at IS NOT NULL;

CREATE TABLE {schema}.refusals (
    command uuid PRIMARY KEY,
    reason text NOT NULL,
    refused_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE {schema}.documents (
    collection text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    value json NOT NULL,
    PRIMARY KEY (collection, key)
);

-- Advisory locks: the first 16 bits of a key are the schema's, the other 48 hold a position, the last one that was drawn
-- before the lock was taken. A fresh sequence has the value 1 without having given it out.
-- What is called often names everything in full instead of setting a search path. It is in PL/pgSQL, which a session plans
-- once, and not in SQL, which it plans at each call; and it calls no function of its own.

-- Every position up to here is decided, stored or never to be, for whoever looks in a later statement.
CREATE FUNCTION {schema}.horizon() RETURNS bigint
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
    RETURN least(v_last, coalesce(v_lowest, v_last));
END $$;

-- Appends to several streams, whose names come sorted. `p_modes`: 0 anywhere, 1 exactly after `p_seqs`, 2 no event
-- after `p_seqs`. The messages come in the caller's order, `m_stream` and `m_nth` saying which stream's which one.
-- Gives the last seq of each stream before, and the positions of the messages.
CREATE FUNCTION {schema}.append(
    p_streams text[], p_modes int[], p_seqs bigint[], p_counts bigint[], p_last_events bigint[],
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
               AND CASE p_modes[i] WHEN 0 THEN true WHEN 1 THEN s.version = p_seqs[i] ELSE s.last_event_seq <= p_seqs[i] END
            RETURNING s.id, s.version INTO v_id, v_version;
        END IF;
        IF v_id IS NULL AND NOT (p_modes[i] = 1 AND p_seqs[i] > 0) THEN
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
                (SELECT CASE p_modes[i] WHEN 2 THEN s.last_event_seq ELSE s.version END
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

-- Appends of several writers, each to a stream of its own, as `append` does it. It waits for nobody: an append to a stream
-- that somebody else holds is left out, so that no writer waits for the stream of another. Gives the last seq of each
-- stream before, or null where nothing was stored; then the actual seq of a conflict, or null for what its writer has to
-- try alone; and the positions of the messages, or null.
CREATE FUNCTION {schema}.append_group(
    p_streams text[], p_modes int[], p_seqs bigint[], p_counts bigint[], p_last_events bigint[],
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
             WHERE NOT (g.mode = 1 AND g.seq > 0)
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
          FROM unnest(p_streams, p_modes, p_seqs, p_counts, p_last_events) WITH ORDINALITY
            AS g (name, mode, seq, count, last_event, nth)
         WHERE s.name = g.name AND s.id = ANY(v_held)
           AND CASE g.mode WHEN 0 THEN true WHEN 1 THEN s.version = g.seq ELSE s.last_event_seq <= g.seq END
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
                   THEN CASE g.mode WHEN 2 THEN s.last_event_seq ELSE s.version END END
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

-- Ends a claim with progress: fence, appends, refusals and the lane, together.
CREATE FUNCTION {schema}.ack(
    p_group text, p_stream text, p_worker uuid, p_epoch bigint, p_upto bigint, p_refused uuid[], p_reasons text[],
    p_streams text[], p_modes int[], p_seqs bigint[], p_counts bigint[], p_last_events bigint[],
    m_stream int[], m_nth bigint[], m_id uuid[], m_kind text[], m_type text[], m_causation uuid[],
    m_correlation uuid[], m_created timestamptz[], m_decided text[], m_metadata text[], m_payload text[],
    OUT xid text, OUT bases bigint[], OUT positions bigint[])
LANGUAGE plpgsql SET search_path = {schema}, pg_temp AS $$
DECLARE
    v_group int := (SELECT id FROM groups WHERE name = p_group);
    v_stream bigint := (SELECT id FROM streams WHERE name = p_stream);
    v_seq bigint;
BEGIN
    SELECT seq INTO v_seq FROM messages WHERE position = p_upto AND stream_id = v_stream;
    IF v_seq IS NULL THEN
        SELECT coalesce(max(seq), 0) INTO v_seq FROM messages WHERE stream_id = v_stream AND position <= p_upto;
    END IF;
    -- The fence comes first: whoever takes the lane over waits here, and a lost claim stores nothing.
    UPDATE lanes
       SET acked_seq = greatest(acked_seq, v_seq), acked_pos = greatest(acked_pos, p_upto),
           max_seq = greatest(max_seq, v_seq), ready_pos = greatest(ready_pos, p_upto + 1),
           state = CASE WHEN head_seq > greatest(acked_seq, v_seq) THEN 'ready' ELSE 'idle' END,
           due_at = NULL, attempts = 0, last_error = NULL, worker = NULL, acked_epoch = epoch
     WHERE group_id = v_group AND stream_id = v_stream AND worker = p_worker AND epoch = p_epoch;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'fenced' USING ERRCODE = 'SRC03';
    END IF;
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

-- Makes a group known. A new one begins at the start of the log, or (`p_now`) after what is stored by now.
CREATE FUNCTION {schema}.register_group(p_name text, p_types text[], p_now boolean) RETURNS void
LANGUAGE plpgsql SET search_path = {schema}, pg_temp AS $$
DECLARE
    v_start bigint := 0;
    v_gaps bigint[] := '{}';
    v_horizon bigint;
    v_group groups%ROWTYPE;
BEGIN
    IF NOT EXISTS (SELECT FROM groups WHERE name = p_name) THEN
        IF p_now THEN
            v_horizon := horizon();
            -- What others are about to commit comes after now, though its position may come before.
            WITH stored AS MATERIALIZED (
                SELECT position FROM messages WHERE position > v_horizon
            ), last AS (
                SELECT coalesce(max(position), v_horizon) AS position FROM stored
            )
            SELECT last.position,
                   ARRAY(SELECT generate_series(v_horizon + 1, last.position) EXCEPT SELECT position FROM stored)
              INTO v_start, v_gaps FROM last;
        END IF;
        INSERT INTO groups (name, types, start_pos, start_gaps, hi, gaps)
        VALUES (p_name, p_types, v_start, v_gaps, v_start, v_gaps)
        ON CONFLICT (name) DO NOTHING;
    END IF;
    SELECT * INTO v_group FROM groups WHERE name = p_name FOR UPDATE;
    IF p_types <@ v_group.types THEN
        UPDATE groups SET types = p_types WHERE id = v_group.id AND NOT p_types @> v_group.types;
        RETURN;
    END IF;
    -- With more types the log is looked through again: what was passed over before may be work now.
    UPDATE groups
       SET types = p_types, types_version = types_version + 1, hi = start_pos, gaps = start_gaps, deferred = '{}'
     WHERE id = v_group.id;
    -- And claims are taken back: acknowledging one would jump over messages of the new types. Where nothing was
    -- acknowledged yet, they may come before the first message known so far.
    UPDATE lanes AS l
       SET types_version = v_group.types_version + 1,
           state = CASE WHEN l.worker IS NULL THEN l.state ELSE 'ready' END,
           due_at = CASE WHEN l.worker IS NULL THEN l.due_at END,
           worker = NULL,
           acked_seq = origin.seq,
           head_seq = CASE WHEN l.state = 'idle' AND l.acked_pos = 0 THEN origin.seq ELSE l.head_seq END
      FROM (
        SELECT stream_id, CASE
                 WHEN acked_pos > 0 THEN acked_seq
                 WHEN v_group.start_pos = 0 THEN 0
                 ELSE coalesce((SELECT max(m.seq) FROM messages AS m
                                 WHERE m.stream_id = lanes.stream_id AND m.position <= v_group.start_pos
                                   AND NOT m.position = ANY(v_group.start_gaps)), 0)
               END AS seq
          FROM lanes WHERE group_id = v_group.id FOR UPDATE
      ) AS origin
     WHERE l.group_id = v_group.id AND l.stream_id = origin.stream_id;
END $$;

-- Sorts the next part of the log into the lanes of a group. Gives how many new messages it looked at.
CREATE FUNCTION {schema}.pump(p_group int) RETURNS bigint
LANGUAGE plpgsql SET search_path = {schema}, pg_temp AS $$
DECLARE
    v_group groups%ROWTYPE;
    v_horizon bigint;
    v_new bigint;
    v_hi bigint;
    v_found bigint[];
    v_gaps bigint[];
    v_deferred bigint[];
BEGIN
    SELECT * INTO v_group FROM groups WHERE id = p_group FOR UPDATE SKIP LOCKED;
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
        SELECT l.stream_id FROM work
         CROSS JOIN LATERAL (SELECT stream_id FROM lanes WHERE group_id = p_group AND stream_id = work.stream_id LIMIT 1) AS l
    ), unlocked AS MATERIALIZED (
        SELECT l.stream_id FROM work
         CROSS JOIN LATERAL (
            SELECT stream_id FROM lanes WHERE group_id = p_group AND stream_id = work.stream_id FOR UPDATE SKIP LOCKED
         ) AS l
    ), busy AS MATERIALIZED (
        -- A lane in a slow transaction must not hold up all others: its messages are looked at again.
        SELECT stream_id FROM known EXCEPT SELECT stream_id FROM unlocked
    ), sorted AS (
        INSERT INTO lanes AS l (group_id, stream_id, gen, types_version, state, head_seq, acked_seq, ready_pos)
        SELECT p_group, stream_id, v_group.gen, v_group.types_version, 'ready', last_seq, first_seq - 1, first_pos
          FROM work WHERE stream_id NOT IN (SELECT stream_id FROM busy)
            ON CONFLICT (group_id, stream_id) DO UPDATE
           SET head_seq = excluded.head_seq,
               state = CASE WHEN l.gen < excluded.gen OR l.state = 'idle' AND l.acked_seq < excluded.head_seq THEN 'ready' ELSE l.state END,
               ready_pos = CASE WHEN l.gen < excluded.gen OR l.state = 'idle' THEN excluded.ready_pos ELSE l.ready_pos END,
               -- A replay takes the lane from whoever holds it.
               gen = excluded.gen,
               acked_seq = CASE WHEN l.gen < excluded.gen THEN excluded.acked_seq ELSE l.acked_seq END,
               acked_pos = CASE WHEN l.gen < excluded.gen THEN 0 ELSE l.acked_pos END,
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

-- Brings the lanes of these groups up to date. Gives whether there is more to do at once.
CREATE FUNCTION {schema}.prepare_lanes(p_behind int[], p_due int[]) RETURNS boolean
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
        -- The holder of an overdue lease keeps its claim until somebody else takes it.
        UPDATE lanes AS l SET state = 'ready', due_at = NULL
          FROM (SELECT group_id, stream_id FROM lanes
                 WHERE group_id = ANY(p_due) AND due_at <= now()
                 ORDER BY due_at LIMIT 1000 FOR UPDATE SKIP LOCKED) AS due
         WHERE l.group_id = due.group_id AND l.stream_id = due.stream_id;
    END IF;
    RETURN v_more;
END $$;

-- Reads a document that is about to be changed: until the transaction ends nobody else can, whether it exists or not.
CREATE FUNCTION {schema}.get_document(p_collection text, p_key text) RETURNS text
LANGUAGE plpgsql SET search_path = {schema}, pg_temp AS $$
DECLARE
    v_value text;
BEGIN
    SELECT value::text INTO v_value FROM documents WHERE collection = p_collection AND key = p_key FOR UPDATE;
    IF NOT FOUND THEN
        PERFORM lock_missing_document(p_collection, p_key);
        SELECT value::text INTO v_value FROM documents WHERE collection = p_collection AND key = p_key FOR UPDATE;
    END IF;
    RETURN v_value;
END $$;

CREATE FUNCTION {schema}.put_document(p_collection text, p_key text, p_value text) RETURNS void
LANGUAGE plpgsql SET search_path = {schema}, pg_temp AS $$
BEGIN
    UPDATE documents SET value = p_value::json WHERE collection = p_collection AND key = p_key;
    IF NOT FOUND THEN
        -- Who writes without having read waits for who has read that it is not there, and not for others that write.
        PERFORM pg_advisory_xact_lock_shared(hashtext(current_schema() || '.' || p_collection), hashtext(p_key) & 1023);
        INSERT INTO documents (collection, key, value) VALUES (p_collection, p_key, p_value::json)
        ON CONFLICT (collection, key) DO UPDATE SET value = excluded.value;
    END IF;
END $$;

-- A row that is not there cannot be locked by who reads it. Some keys share a lock, so that the server's lock table is never filled.
CREATE FUNCTION {schema}.lock_missing_document(p_collection text, p_key text) RETURNS void
LANGUAGE plpgsql SET search_path = {schema}, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext(current_schema() || '.' || p_collection), hashtext(p_key) & 1023);
END $$;
