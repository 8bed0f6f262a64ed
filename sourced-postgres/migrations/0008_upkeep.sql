-- The snapshots that actors had when the beginning of a stream was removed: they take its place, and are not replaced by
-- later ones.
CREATE TABLE {schema}.snapshot_bases (LIKE {schema}.snapshots INCLUDING ALL);
