-- Figures about what is meant after $1 and up to $2.
SELECT count(*) AS count, min(m.position) AS first, max(m.position) AS last, min(m.created_at) AS earliest, max(m.created_at) AS latest
  FROM {source} AS m
 WHERE m.position > $1 AND m.position <= $2 {filter}
