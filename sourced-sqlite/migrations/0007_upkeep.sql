-- The snapshots that actors had when the beginning of a stream was removed: they take its place, and are not replaced by
-- later ones.
CREATE TABLE sourced_snapshot_bases (
    actor       TEXT    NOT NULL, -- its group
    stream      TEXT    NOT NULL,
    seq         INTEGER NOT NULL, -- of the last event in it
    fingerprint INTEGER NOT NULL, -- of the code and the shape that made it
    state       TEXT    NOT NULL,
    PRIMARY KEY (actor, stream)
) STRICT;

-- The message at which the group failed.
ALTER TABLE sourced_groups ADD COLUMN state_pos INTEGER;
