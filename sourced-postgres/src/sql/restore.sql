-- Puts messages back where their envelopes are: positions ($1), ids ($2), seqs ($3), streams ($4), types ($5), metadata
-- ($6), payloads ($7). Gives the ordinal of one that was never there, if any, and how many were missing.
WITH back AS MATERIALIZED (
    SELECT b.*, m.position IS NOT NULL AS is_known
      FROM unnest($1::bigint[], $2::uuid[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[]) WITH ORDINALITY
        AS b (position, id, seq, stream, type, metadata, payload, nth)
      LEFT JOIN {schema}.streams AS s ON s.name = b.stream
      LEFT JOIN {schema}.messages AS m
        ON m.position = b.position AND m.id = b.id AND m.seq = b.seq AND m.stream_id = s.id AND ltrim(m.type, '!') = b.type
), restored AS (
    UPDATE {schema}.messages AS m SET type = b.type, metadata = b.metadata::json, payload = b.payload::json
      FROM back AS b WHERE m.position = b.position AND m.type = '!' || b.type
       AND NOT EXISTS (SELECT FROM back WHERE NOT is_known)
    RETURNING m.position
)
SELECT (SELECT min(nth) FROM back WHERE NOT is_known) AS unknown, (SELECT count(*) FROM restored) AS restored
