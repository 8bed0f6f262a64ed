-- What the planner knows of the tables; where it knows nothing yet, they are small, and their numbers are as good.
SELECT (SELECT CASE WHEN reltuples > 0 THEN reltuples::bigint ELSE (SELECT coalesce(max(position), 0) FROM {schema}.messages) END
          FROM pg_class WHERE oid = '{schema}.messages'::regclass) AS messages,
       (SELECT CASE WHEN reltuples > 0 THEN reltuples::bigint ELSE (SELECT coalesce(max(id), 0) FROM {schema}.streams) END
          FROM pg_class WHERE oid = '{schema}.streams'::regclass) AS streams,
       (SELECT coalesce(sum(pg_total_relation_size(oid)), 0)::bigint
          FROM pg_class WHERE relnamespace = '{schema}'::regnamespace AND relkind = 'r') AS bytes
