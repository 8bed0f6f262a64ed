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

-- The first 16 bits of this schema's advisory locks; the other 48 hold a position.
-- In PL/pgSQL, as everything that an append calls: a session plans it once, and a function in SQL at each call.
CREATE FUNCTION {schema}.lock_space() RETURNS bigint
LANGUAGE plpgsql STABLE SET search_path = {schema}, pg_temp AS $$
BEGIN
    RETURN (SELECT relnamespace::bigint & 32767 FROM pg_class WHERE oid = 'position_seq'::regclass);
END $$;

-- The last position that was drawn. A fresh sequence has the value 1 without having given it out.
CREATE FUNCTION {schema}.last_drawn() RETURNS bigint
LANGUAGE plpgsql VOLATILE SET search_path = {schema}, pg_temp AS $$
BEGIN
    RETURN (SELECT CASE WHEN is_called THEN last_value ELSE last_value - 1 END FROM position_seq);
END $$;

-- Every position up to here is decided, stored or never to be, for whoever looks in a later statement.
CREATE FUNCTION {schema}.horizon() RETURNS bigint
LANGUAGE plpgsql VOLATILE SET search_path = {schema}, pg_temp AS $$
DECLARE
    v_last bigint;
    v_lowest bigint;
    v_space bigint := lock_space();
BEGIN
    -- In this order: who drew a number up to `v_last` had published its lock before.
    v_last := last_drawn();
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
LANGUAGE plpgsql SET search_path = {schema}, pg_temp AS $$
DECLARE
    v_id bigint;
    v_version bigint;
    v_ids bigint[] := '{}';
BEGIN
    bases := '{}';
    FOR i IN 1 .. cardinality(p_streams) LOOP
        IF p_modes[i] = 1 AND p_seqs[i] > 0 THEN
            UPDATE streams AS s
               SET version = s.version + p_counts[i],
                   last_event_seq = CASE WHEN p_last_events[i] > 0 THEN s.version + p_last_events[i] ELSE s.last_event_seq END
             WHERE s.name = p_streams[i] AND s.version = p_seqs[i]
            RETURNING s.id, s.version INTO v_id, v_version;
        ELSE
            INSERT INTO streams AS s (name, version, last_event_seq)
            VALUES (p_streams[i], p_counts[i], p_last_events[i])
            ON CONFLICT (name) DO UPDATE
               SET version = s.version + p_counts[i],
                   last_event_seq = CASE WHEN p_last_events[i] > 0 THEN s.version + p_last_events[i] ELSE s.last_event_seq END
             WHERE CASE p_modes[i] WHEN 0 THEN true WHEN 1 THEN s.version = p_seqs[i] ELSE s.last_event_seq <= p_seqs[i] END
            RETURNING s.id, s.version INTO v_id, v_version;
        END IF;
        IF v_id IS NULL THEN
            -- It may be our own earlier try: the ids decide before the expectation does.
            IF EXISTS (SELECT FROM messages WHERE id = ANY(m_id)) THEN
                RAISE EXCEPTION 'a message is already stored' USING ERRCODE = 'SRC02';
            END IF;
            RAISE EXCEPTION 'conflict' USING ERRCODE = 'SRC01', DETAIL = i || ' ' || coalesce(
                (SELECT CASE p_modes[i] WHEN 2 THEN s.last_event_seq ELSE s.version END FROM streams s WHERE s.name = p_streams[i]), 0);
        END IF;
        v_ids := v_ids || v_id;
        bases := bases || (v_version - p_counts[i]);
        v_id := NULL;
    END LOOP;
    -- After the streams are locked, so that positions inside a stream commit in order; before a number is drawn, so
    -- that no reader's horizon passes it.
    PERFORM pg_advisory_xact_lock_shared((lock_space() << 48) | last_drawn());
    positions := ARRAY(SELECT nextval('position_seq') FROM generate_series(1, cardinality(m_id)));
    INSERT INTO messages (position, stream_id, seq, id, kind, type, causation_id, correlation_id, created_at, decided_by, metadata, payload)
    SELECT m.position, v_ids[m.stream], bases[m.stream] + m.nth, m.id, m.kind, m.type, m.causation, m.correlation,
           m.created, m.decided, m.metadata::json, m.payload::json
      FROM unnest(positions, m_stream, m_nth, m_id, m_kind, m_type, m_causation, m_correlation, m_created, m_decided, m_metadata, m_payload)
        AS m (position, stream, nth, id, kind, type, causation, correlation, created, decided, metadata, payload);
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
        SELECT stream_id FROM lanes WHERE group_id = p_group AND stream_id IN (SELECT stream_id FROM work)
    ), unlocked AS MATERIALIZED (
        SELECT stream_id FROM lanes WHERE group_id = p_group AND stream_id IN (SELECT stream_id FROM work)
           FOR UPDATE SKIP LOCKED
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
        PERFORM lock_missing_document(p_collection, p_key);
        INSERT INTO documents (collection, key, value) VALUES (p_collection, p_key, p_value::json)
        ON CONFLICT (collection, key) DO UPDATE SET value = excluded.value;
    END IF;
END $$;

-- A row that is not there cannot be locked. Some keys share a lock, so that the server's lock table is never filled.
CREATE FUNCTION {schema}.lock_missing_document(p_collection text, p_key text) RETURNS void
LANGUAGE plpgsql SET search_path = {schema}, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext(current_schema() || '.' || p_collection), hashtext(p_key) & 1023);
END $$;
