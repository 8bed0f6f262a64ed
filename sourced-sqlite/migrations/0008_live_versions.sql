-- Which version of each table of a read model is the one that queries read.
CREATE TABLE sourced_live_versions (
    name        TEXT    PRIMARY KEY NOT NULL,
    version     INTEGER NOT NULL,
    previous    INTEGER, -- the one whose place it took
    rolled_back INTEGER  -- the one that nobody makes live again by himself
) STRICT, WITHOUT ROWID;

-- Until then nobody claims a lane of the group, nor settles one in a unit. Starting it ends that.
ALTER TABLE sourced_groups ADD COLUMN held_until INTEGER NOT NULL DEFAULT 0;
