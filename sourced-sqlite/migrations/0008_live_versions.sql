-- Which version of each table of a read model is the one that queries read.
CREATE TABLE sourced_live_versions (
    name        TEXT    PRIMARY KEY NOT NULL,
    version     INTEGER NOT NULL,
    previous    INTEGER, -- the one whose place it took
    rolled_back INTEGER  -- the one that nobody makes live again by himself
) STRICT, WITHOUT ROWID;
