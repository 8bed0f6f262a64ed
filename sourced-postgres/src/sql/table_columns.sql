-- The columns of a table $2 in the schema $1, in their order.
SELECT a.attname::text AS name,
       format_type(a.atttypid, a.atttypmod) AS said,
       a.attnotnull AS is_not_null,
       a.atthasdef OR a.attidentity <> '' AS has_default,
       EXISTS (SELECT FROM pg_index AS i
                WHERE i.indrelid = a.attrelid AND i.indisprimary AND a.attnum = ANY(i.indkey)) AS is_key,
       EXISTS (SELECT FROM pg_index AS i
                WHERE i.indrelid = a.attrelid AND i.indisunique AND NOT i.indisprimary AND i.indisvalid
                  AND i.indpred IS NULL AND i.indnkeyatts = 1 AND i.indkey[0] = a.attnum) AS is_unique,
       EXISTS (SELECT FROM pg_index AS i
                WHERE i.indrelid = a.attrelid AND i.indisvalid AND i.indpred IS NULL
                  AND i.indkey[0] = a.attnum) AS is_indexed
  FROM pg_attribute AS a
  JOIN pg_class AS c ON c.oid = a.attrelid
  JOIN pg_namespace AS n ON n.oid = c.relnamespace
 WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped
 ORDER BY a.attnum
