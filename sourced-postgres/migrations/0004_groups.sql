-- What operators do to groups, and what is owed: messages that a group came to handle after their lane had passed them.

ALTER TABLE {schema}.groups
    ADD state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'stopped', 'failed', 'removed')),
    ADD state_reason text,
    ADD state_at timestamptz,
    -- The log was sorted up to here before the pump was last set back: the types may change when it is there again.
    ADD top bigint NOT NULL DEFAULT 0,
    ADD changes int NOT NULL DEFAULT 0, -- of its types, and resets: who looks at an older one may be wrong about lanes
    -- A lane of an older `gen` is set back to here before anybody may claim it.
    ADD reset_pos bigint NOT NULL DEFAULT 0;

-- The types a group has given up. What was sorted up to `hi`, but `gaps`, was delivered or is owed.
CREATE TABLE {schema}.given_up_types (
    group_id int NOT NULL,
    type text COLLATE "C" NOT NULL,
    hi bigint NOT NULL,
    gaps bigint[] NOT NULL,
    settled bigint[] NOT NULL, -- what units had handled of it where the pump had not been
    PRIMARY KEY (group_id, type)
);

-- Messages that lie where their lane has passed, without being acknowledged; also of types that were given up. A replay
-- is here when its type was given up before it came again.
CREATE TABLE {schema}.owed (
    group_id int NOT NULL,
    stream_id bigint NOT NULL,
    seq bigint NOT NULL,
    type text COLLATE "C" NOT NULL,
    position bigint NOT NULL,
    is_replay boolean NOT NULL,
    PRIMARY KEY (group_id, stream_id, seq)
);
CREATE INDEX owed_type ON {schema}.owed (group_id, type);

ALTER TABLE {schema}.lanes
    ADD owes boolean NOT NULL DEFAULT false, -- whether to look for what is owed: nearly always not
    DROP types_version;
ALTER TABLE {schema}.groups DROP types_version;
DROP INDEX {schema}.lanes_ready;
CREATE INDEX lanes_ready ON {schema}.lanes (group_id, gen, ready_pos) WHERE state = 'ready';
CREATE INDEX lanes_parked ON {schema}.lanes (group_id, stream_id) WHERE state = 'parked';

-- Where a group begins that starts before the first message made at `p_since`; after all that is stored when there is
-- none. What others are about to commit comes after, though its position may come before: those are the gaps.
CREATE FUNCTION {schema}.place_of(p_since timestamptz, OUT pos bigint, OUT gaps bigint[])
LANGUAGE plpgsql SET search_path = {schema}, pg_temp AS $$
DECLARE
    v_horizon bigint := horizon();
BEGIN
    SELECT m.position - 1 INTO pos FROM messages AS m WHERE m.created_at >= p_since ORDER BY m.position LIMIT 1;
    IF pos IS NULL THEN
        SELECT greatest(v_horizon, max(m.position)) INTO pos FROM messages AS m;
    END IF;
    gaps := ARRAY(
        SELECT generate_series(v_horizon + 1, pos)
        EXCEPT SELECT m.position FROM messages AS m WHERE m.position > v_horizon);
END $$;

-- Makes a group known, or changes its types. `p_start`: 0 at the beginning, 1 now, 2 after `p_after`, 3 at `p_since`.
-- False: the pump was set back, and has to catch up first.
DROP FUNCTION {schema}.register_group(text, text[], boolean);
CREATE FUNCTION {schema}.register_group(p_name text, p_types text[], p_start int, p_after bigint, p_since timestamptz) RETURNS boolean
LANGUAGE plpgsql SET search_path = {schema}, pg_temp AS $$
DECLARE
    v_pos bigint := p_after;
    v_gaps bigint[] := '{}';
    v_group groups%ROWTYPE;
BEGIN
    IF NOT EXISTS (SELECT FROM groups WHERE name = p_name) THEN
        IF p_start IN (1, 3) THEN
            SELECT pos, gaps INTO v_pos, v_gaps FROM place_of(CASE p_start WHEN 3 THEN p_since ELSE 'infinity' END);
        END IF;
        INSERT INTO groups (name, types, start_pos, start_gaps, hi, gaps)
        VALUES (p_name, p_types, v_pos, v_gaps, v_pos, v_gaps)
        ON CONFLICT (name) DO NOTHING;
    END IF;
    -- Stronger than what claims and units hold on the row: from here on there are none.
    SELECT * INTO v_group FROM groups WHERE name = p_name FOR UPDATE;
    IF p_types <@ v_group.types AND p_types @> v_group.types THEN
        RETURN true;
    END IF;
    IF v_group.hi < v_group.top OR cardinality(v_group.deferred) > 0 THEN
        RETURN false;
    END IF;
    PERFORM change_types(v_group, p_types);
    RETURN true;
END $$;

-- Takes back all claims of a group whose row is locked, so that nobody claims. Waits for acks that have begun.
CREATE FUNCTION {schema}.fence_group(p_group int) RETURNS void
LANGUAGE sql SET search_path = {schema}, pg_temp AS $$
    UPDATE lanes AS l SET state = 'ready', due_at = NULL, worker = NULL
      FROM (SELECT group_id, stream_id FROM lanes
             WHERE group_id = p_group AND state IN ('ready', 'claimed') AND worker IS NOT NULL
             ORDER BY stream_id FOR UPDATE) AS held
     WHERE l.group_id = held.group_id AND l.stream_id = held.stream_id
$$;

-- Sets the pump of a locked group back to a position, if it is beyond, but never to before the group's start.
CREATE FUNCTION {schema}.set_back(p_group int, p_pos bigint) RETURNS void
LANGUAGE sql SET search_path = {schema}, pg_temp AS $$
    UPDATE groups AS g
       SET top = greatest(g.top, g.hi), hi = b.pos,
           gaps = ARRAY(SELECT DISTINCT gap FROM unnest(g.gaps || g.start_gaps) AS gap WHERE gap <= b.pos ORDER BY gap),
           deferred = ARRAY(SELECT pos FROM unnest(g.deferred) AS pos WHERE pos <= b.pos ORDER BY pos)
      FROM (SELECT greatest(start_pos, least(hi, p_pos)) AS pos FROM groups WHERE id = p_group) AS b
     WHERE g.id = p_group
$$;

-- Changes the types of a locked group whose pump is where it ever was.
CREATE FUNCTION {schema}.change_types(p_group {schema}.groups, p_types text[]) RETURNS void
LANGUAGE plpgsql SET search_path = {schema}, pg_temp AS $$
DECLARE
    v_added text[] := ARRAY(SELECT unnest(p_types) EXCEPT SELECT unnest(p_group.types));
    v_removed text[] := ARRAY(SELECT unnest(p_group.types) EXCEPT SELECT unnest(p_types));
    v_first bigint;
BEGIN
    PERFORM fence_group(p_group.id);
    IF cardinality(v_removed) > 0 THEN
        INSERT INTO given_up_types (group_id, type, hi, gaps, settled)
        SELECT p_group.id, removed.type, p_group.hi, p_group.gaps, ARRAY(
                SELECT m.position
                  FROM messages AS m JOIN lanes AS l ON l.group_id = p_group.id AND l.stream_id = m.stream_id
                 WHERE m.type = removed.type AND m.seq <= l.acked_seq
                   AND m.position > least(p_group.hi, p_group.gaps[1] - 1)
                   AND (m.position > p_group.hi OR m.position = ANY(p_group.gaps)))
          FROM unnest(v_removed) AS removed (type);
        -- What was pending is owed from now on, since the lane goes on without it.
        INSERT INTO owed (group_id, stream_id, seq, type, position, is_replay)
        SELECT l.group_id, l.stream_id, m.seq, m.type, m.position, m.seq <= l.max_seq
          FROM lanes AS l JOIN messages AS m ON m.stream_id = l.stream_id AND m.seq > l.acked_seq
         WHERE l.group_id = p_group.id AND l.state <> 'idle' AND m.type = ANY(v_removed)
           AND m.decided_by IS DISTINCT FROM p_group.name
           AND m.position <= p_group.hi AND NOT m.position = ANY(p_group.gaps)
            ON CONFLICT DO NOTHING;
    END IF;
    IF cardinality(v_added) > 0 THEN
        WITH taken_up AS MATERIALIZED (
            SELECT a.type, coalesce(g.hi, p_group.start_pos) AS hi, coalesce(g.gaps, p_group.start_gaps) AS gaps,
                   coalesce(g.settled, '{}') AS settled
              FROM unnest(v_added) AS a (type)
              LEFT JOIN given_up_types AS g ON g.group_id = p_group.id AND g.type = a.type
        ), missed AS MATERIALIZED (
            SELECT m.position, m.stream_id, m.seq, m.type
              FROM messages AS m JOIN taken_up AS t ON t.type = m.type
             WHERE m.position > (SELECT min(hi) FROM taken_up) AND m.position > t.hi
               AND m.decided_by IS DISTINCT FROM p_group.name AND NOT m.position = ANY(t.settled)
            UNION
            SELECT m.position, m.stream_id, m.seq, m.type
              FROM taken_up AS t CROSS JOIN unnest(t.gaps) AS gap (position)
              JOIN messages AS m ON m.position = gap.position AND m.type = t.type
             WHERE m.decided_by IS DISTINCT FROM p_group.name AND NOT m.position = ANY(t.settled)
        ), passed AS (
            INSERT INTO owed (group_id, stream_id, seq, type, position, is_replay)
            SELECT p_group.id, m.stream_id, m.seq, m.type, m.position, false
              FROM missed AS m JOIN lanes AS l ON l.group_id = p_group.id AND l.stream_id = m.stream_id
             WHERE m.seq <= greatest(l.acked_seq, l.max_seq)
                ON CONFLICT DO NOTHING
        )
        SELECT min(position) INTO v_first FROM missed;
        DELETE FROM given_up_types WHERE group_id = p_group.id AND type = ANY(v_added);
        UPDATE lanes AS l
           SET owes = true, gen = p_group.gen, head_seq = greatest(l.head_seq, o.last),
               ready_pos = CASE WHEN l.state = 'idle' THEN o.first ELSE least(l.ready_pos, o.first) END,
               state = CASE WHEN l.state = 'idle' THEN 'ready' ELSE l.state END
          FROM (SELECT stream_id, min(position) AS first, max(seq) AS last FROM owed
                 WHERE group_id = p_group.id AND type = ANY(v_added) GROUP BY stream_id) AS o
         WHERE l.group_id = p_group.id AND l.stream_id = o.stream_id;
    END IF;
    -- The pump finds the rest, which lies in streams without a lane, or above what the lane has acknowledged.
    UPDATE groups SET types = p_types, changes = changes + 1 WHERE id = p_group.id;
    PERFORM set_back(p_group.id, v_first - 1);
END $$;

-- The last seq of a stream that a reset of the group to `p_pos` leaves acknowledged: nothing from before its start comes.
CREATE FUNCTION {schema}.reset_seq(p_group {schema}.groups, p_stream bigint, p_pos bigint) RETURNS bigint
LANGUAGE sql STABLE SET search_path = {schema}, pg_temp AS $$
    SELECT coalesce(max(m.seq), 0) FROM messages AS m
     WHERE m.stream_id = p_stream AND m.position <= greatest(p_pos, p_group.start_pos)
       AND (p_pos > p_group.start_pos OR NOT m.position = ANY(p_group.start_gaps))
$$;

-- Sets a group back to `p_after`, or before the first message made at `p_since`; in one stream, or in all.
CREATE FUNCTION {schema}.reset_group(p_name text, p_stream text, p_after bigint, p_since timestamptz) RETURNS boolean
LANGUAGE plpgsql SET search_path = {schema}, pg_temp AS $$
DECLARE
    v_group groups%ROWTYPE;
    v_pos bigint := p_after;
    v_hi bigint;
BEGIN
    IF p_since IS NOT NULL THEN
        SELECT pos INTO v_pos FROM place_of(p_since);
    END IF;
    SELECT * INTO v_group FROM groups WHERE name = p_name FOR UPDATE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    IF p_stream IS NOT NULL THEN
        UPDATE lanes AS l
           SET acked_seq = least(l.acked_seq, o.seq,
                                 CASE WHEN l.gen < v_group.gen THEN reset_seq(v_group, o.id, v_group.reset_pos) END),
               gen = v_group.gen, -- the pump may never come to it for the last reset, if there was nothing to reset
               acked_pos = least(l.acked_pos, greatest(v_pos, v_group.start_pos)),
               ready_pos = least(l.ready_pos, v_pos + 1), state = 'ready', due_at = NULL, attempts = 0, last_error = NULL,
               epoch = l.epoch + 1, worker = NULL
          FROM (SELECT s.id, reset_seq(v_group, s.id, v_pos) AS seq FROM streams AS s WHERE s.name = p_stream) AS o
         WHERE l.group_id = v_group.id AND l.stream_id = o.id;
        RETURN true;
    END IF;
    PERFORM fence_group(v_group.id);
    -- The pump opens the lanes: from the first message that comes again, or is still pending.
    SELECT least(v_group.hi, v_pos,
        (SELECT min(ready_pos) FROM lanes WHERE group_id = v_group.id AND state = 'ready') - 1,
        (SELECT min(ready_pos) FROM lanes WHERE group_id = v_group.id AND due_at IS NOT NULL) - 1,
        (SELECT min(ready_pos) FROM lanes WHERE group_id = v_group.id AND state = 'parked') - 1) INTO v_hi;
    UPDATE groups
       SET gen = gen + 1, changes = changes + 1,
           -- Lanes that the last reset has not come to yet are set back as far as it asked for.
           reset_pos = CASE WHEN hi < top OR cardinality(deferred) > 0 THEN least(reset_pos, v_pos) ELSE v_pos END
     WHERE id = v_group.id;
    PERFORM set_back(v_group.id, v_hi);
    RETURN true;
END $$;

-- Hides a group for good, and its name with it.
CREATE FUNCTION {schema}.remove_group(p_name text) RETURNS boolean
LANGUAGE plpgsql SET search_path = {schema}, pg_temp AS $$
DECLARE
    v_group int;
BEGIN
    -- No name of a group has control characters.
    UPDATE groups SET state = 'removed', changes = changes + 1, name = chr(1) || id WHERE name = p_name RETURNING id INTO v_group;
    PERFORM fence_group(v_group);
    RETURN v_group IS NOT NULL;
END $$;

-- Deletes some of what removed groups have left. False: there was nothing any more.
CREATE FUNCTION {schema}.sweep_groups(p_limit bigint) RETURNS boolean
LANGUAGE plpgsql SET search_path = {schema}, pg_temp AS $$
DECLARE
    v_group int := (SELECT id FROM groups WHERE state = 'removed' ORDER BY id LIMIT 1);
BEGIN
    DELETE FROM lanes WHERE ctid = ANY(ARRAY(SELECT ctid FROM lanes WHERE group_id = v_group LIMIT p_limit));
    IF FOUND THEN
        RETURN true;
    END IF;
    DELETE FROM owed WHERE ctid = ANY(ARRAY(SELECT ctid FROM owed WHERE group_id = v_group LIMIT p_limit));
    IF FOUND THEN
        RETURN true;
    END IF;
    DELETE FROM given_up_types WHERE group_id = v_group;
    DELETE FROM groups WHERE id = v_group;
    RETURN FOUND;
END $$;

-- Takes what a lane owes up to a seq off it, after an ack of that.
CREATE FUNCTION {schema}.pay(p_group int, p_stream bigint, p_upto bigint) RETURNS void
LANGUAGE plpgsql SET search_path = {schema}, pg_temp AS $$
DECLARE
    v_types text[] := (SELECT types FROM groups WHERE id = p_group);
    v_owes boolean;
BEGIN
    DELETE FROM owed WHERE group_id = p_group AND stream_id = p_stream AND seq <= p_upto AND type = ANY(v_types);
    v_owes := EXISTS (SELECT FROM owed WHERE group_id = p_group AND stream_id = p_stream AND type = ANY(v_types));
    UPDATE lanes SET owes = v_owes, state = CASE WHEN head_seq > acked_seq OR v_owes THEN 'ready' ELSE 'idle' END
     WHERE group_id = p_group AND stream_id = p_stream;
END $$;

-- Ends a claim with progress: fence, appends, refusals and the lane, together.
CREATE OR REPLACE FUNCTION {schema}.ack(
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
    v_owes boolean;
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
     WHERE group_id = v_group AND stream_id = v_stream AND worker = p_worker AND epoch = p_epoch
    RETURNING owes INTO v_owes;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'fenced' USING ERRCODE = 'SRC03';
    END IF;
    IF v_owes THEN
        PERFORM pay(v_group, v_stream, v_seq);
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

-- Sorts the next part of the log into the lanes of a group. Gives how many new messages it looked at.
CREATE OR REPLACE FUNCTION {schema}.pump(p_group int) RETURNS bigint
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
        SELECT l.stream_id FROM work
         CROSS JOIN LATERAL (SELECT stream_id FROM lanes WHERE group_id = p_group AND stream_id = work.stream_id LIMIT 1) AS l
    ), unlocked AS MATERIALIZED (
        SELECT l.stream_id,
               CASE WHEN l.gen < v_group.gen THEN least(l.acked_seq, reset_seq(v_group, l.stream_id, v_group.reset_pos)) END AS reset_seq
          FROM work
         CROSS JOIN LATERAL (
            SELECT stream_id, gen, acked_seq FROM lanes WHERE group_id = p_group AND stream_id = work.stream_id
               FOR UPDATE SKIP LOCKED
         ) AS l
    ), busy AS MATERIALIZED (
        -- A lane in a slow transaction must not hold up all others: its messages are looked at again.
        SELECT stream_id FROM known EXCEPT SELECT stream_id FROM unlocked
    ), sorted AS (
        INSERT INTO lanes AS l (group_id, stream_id, gen, state, head_seq, acked_seq, ready_pos, epoch)
        SELECT p_group, stream_id, v_group.gen, 'ready', last_seq, coalesce(reset_seq, first_seq - 1), first_pos, p_group::bigint << 32
          FROM work LEFT JOIN unlocked USING (stream_id) WHERE stream_id NOT IN (SELECT stream_id FROM busy)
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
