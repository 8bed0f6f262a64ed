-- The last seq of the stream `s` that is not above a position, or 0: positions grow with the seqs, so it is found by halving.
(WITH RECURSIVE search (low, high) AS (
    SELECT 0::bigint, s.version
    UNION ALL
    SELECT CASE WHEN is_below THEN middle ELSE low END, CASE WHEN is_below THEN high ELSE middle - 1 END
      FROM search
     CROSS JOIN LATERAL (SELECT (low + high + 1) / 2 AS middle) AS halved
     CROSS JOIN LATERAL (
        SELECT coalesce((SELECT m.position FROM {schema}.messages AS m WHERE m.stream_id = s.id AND m.seq = middle), 0) <= {position} AS is_below
      ) AS looked
     WHERE low < high
 )
 SELECT low AS seq FROM search WHERE low = high)
