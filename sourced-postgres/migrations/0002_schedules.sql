-- Messages for later. They move to the log in the order of `due_at`, and then of `nth`, the order of scheduling.

CREATE TABLE {schema}.scheduled (
    id uuid PRIMARY KEY,
    nth bigint GENERATED ALWAYS AS IDENTITY,
    due_at timestamptz NOT NULL,
    stream text COLLATE "C" NOT NULL, -- its name: the stream may not be there yet
    kind text NOT NULL,
    type text COLLATE "C" NOT NULL,
    causation_id uuid NOT NULL,
    correlation_id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    decided_by text COLLATE "C",
    metadata json,
    payload json NOT NULL,
    error text -- why it was set aside
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX scheduled_due ON {schema}.scheduled (due_at, nth) WHERE error IS NULL;
CREATE INDEX scheduled_stream ON {schema}.scheduled (stream, due_at, nth) WHERE error IS NULL;
CREATE INDEX scheduled_aside ON {schema}.scheduled (due_at, nth) WHERE error IS NOT NULL;

-- Keeps messages for later. Gives for each 0: done, 1: it was scheduled already, 2: it is stored already. `p_after` is
-- not looked at: it takes what has to be done before, in a statement that does both.
CREATE FUNCTION {schema}.schedule(
    p_after text, p_due timestamptz[], p_streams text[], p_ids uuid[], p_kinds text[], p_types text[],
    p_causations uuid[], p_correlations uuid[], p_created timestamptz[], p_decided text[], p_metadata text[],
    p_payloads text[], OUT known int[])
LANGUAGE plpgsql SET search_path = {schema}, pg_temp AS $$
DECLARE
    v_new uuid[];
    v_stored uuid[];
    v_taken uuid;
BEGIN
    WITH added AS (
        INSERT INTO scheduled (id, due_at, stream, kind, type, causation_id, correlation_id, created_at, decided_by, metadata, payload)
        SELECT l.id, l.due_at, l.stream, l.kind, l.type, l.causation, l.correlation, l.created, l.decided, l.metadata::json, l.payload::json
          FROM unnest(p_ids, p_due, p_streams, p_kinds, p_types, p_causations, p_correlations, p_created, p_decided, p_metadata, p_payloads)
               WITH ORDINALITY AS l (id, due_at, stream, kind, type, causation, correlation, created, decided, metadata, payload, nth)
         ORDER BY l.nth
            ON CONFLICT (id) DO NOTHING
        RETURNING id
    )
    SELECT coalesce(array_agg(id), '{}') INTO v_new FROM added;
    -- In a later statement, which sees what a promotion that the first one had waited for has moved to the log.
    v_stored := ARRAY(SELECT id FROM messages WHERE id = ANY(p_ids));
    DELETE FROM scheduled WHERE id = ANY(v_new) AND id = ANY(v_stored);
    SELECT l.id INTO v_taken
      FROM unnest(p_ids, p_streams) AS l (id, stream)
     WHERE EXISTS (SELECT FROM scheduled AS s WHERE s.id = l.id AND s.stream <> l.stream)
        OR EXISTS (SELECT FROM messages AS m JOIN streams AS s ON s.id = m.stream_id WHERE m.id = l.id AND s.name <> l.stream)
     LIMIT 1;
    IF v_taken IS NOT NULL THEN
        RAISE EXCEPTION 'the id is taken' USING ERRCODE = 'SRC04', DETAIL = v_taken::text;
    END IF;
    known := ARRAY(
        SELECT CASE WHEN l.id = ANY(v_stored) THEN 2 WHEN l.id = ANY(v_new) THEN 0 ELSE 1 END
          FROM unnest(p_ids) WITH ORDINALITY AS l (id, nth) ORDER BY l.nth);
END $$;

-- Locks messages whose time has come, and gives them in their order. What somebody else is about to promote is left out,
-- and so is what has to wait for that in its stream.
CREATE FUNCTION {schema}.due(p_limit bigint) RETURNS SETOF {schema}.scheduled
LANGUAGE plpgsql SET search_path = {schema}, pg_temp AS $$
DECLARE
    v_locked uuid[];
BEGIN
    v_locked := ARRAY(
        SELECT id FROM scheduled WHERE error IS NULL AND due_at <= clock_timestamp()
         ORDER BY due_at, nth LIMIT p_limit FOR UPDATE SKIP LOCKED);
    -- A statement of its own: whoever held an earlier one has either committed by now, or it is still there.
    RETURN QUERY
        SELECT * FROM scheduled AS s
         WHERE s.id = ANY(v_locked)
           AND NOT EXISTS (
                SELECT FROM scheduled AS e
                 WHERE e.error IS NULL AND e.stream = s.stream AND (e.due_at, e.nth) < (s.due_at, s.nth)
                   AND NOT e.id = ANY(v_locked))
         ORDER BY s.due_at, s.nth;
END $$;
