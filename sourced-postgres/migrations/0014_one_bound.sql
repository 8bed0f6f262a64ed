-- One lock for each transaction. The first append of a transaction publishes the lowest bound of all positions that it will
-- ever draw, and the ones after it need none: with a lock for each append, a few long transactions filled the lock table of the
-- server. What was published is a setting of the transaction, which a savepoint takes back as it does the lock.
DO $$
DECLARE
    v_function text;
    v_locking text := 'PERFORM pg_advisory_xact_lock_shared\([^;]*;';
    v_once text := 'IF current_setting(''sourced.published'', true) IS DISTINCT FROM ''{schema}'' THEN
        \&
        PERFORM set_config(''sourced.published'', ''{schema}'', true);
    END IF;';
BEGIN
    FOR v_function IN
        SELECT pg_get_functiondef(oid) FROM pg_proc
         WHERE pronamespace = '{schema}'::regnamespace AND proname IN ('append', 'append_group')
    LOOP
        EXECUTE regexp_replace(v_function, v_locking, v_once);
    END LOOP;
END $$;
