-- The streams whose last message lies before the position $1, newest first, at most $2: in a row with the lowest position
-- that was looked at. The inner limit is that of `RecentStreams`.
WITH part AS MATERIALIZED (
    SELECT position, stream_id, seq, created_at FROM {schema}.messages
     WHERE position < $1 ORDER BY position DESC LIMIT 10000
)
SELECT looked.lowest, recent.name, recent.seq, recent.position, recent.created_at
  FROM (SELECT min(position) AS lowest FROM part) AS looked
  LEFT JOIN LATERAL (
    SELECT s.name, part.seq, part.position, part.created_at
      FROM part
     -- A look at one stream each, and never at all of them.
     CROSS JOIN LATERAL (SELECT name, version FROM {schema}.streams WHERE id = part.stream_id OFFSET 0) AS s
     WHERE s.version = part.seq
     ORDER BY part.position DESC LIMIT $2
  ) AS recent ON true
 ORDER BY recent.position DESC
