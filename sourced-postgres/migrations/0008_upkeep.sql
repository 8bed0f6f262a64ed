-- The snapshots that actors had when the beginning of a stream was removed: they take its place, and are not replaced by
-- later ones.
CREATE TABLE {schema}.snapshot_bases (LIKE {schema}.snapshots INCLUDING ALL);

-- The message at which the group failed.
ALTER TABLE {schema}.groups ADD COLUMN state_pos bigint;
