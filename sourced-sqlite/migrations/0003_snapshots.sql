-- The newest snapshot of each actor and stream. It can be lost: the log has everything.
CREATE TABLE sourced_snapshots (
    actor       TEXT    NOT NULL, -- its group
    stream      TEXT    NOT NULL,
    seq         INTEGER NOT NULL, -- of the last event in it
    fingerprint INTEGER NOT NULL, -- of the code and the shape that made it
    state       TEXT    NOT NULL,
    PRIMARY KEY (actor, stream)
) STRICT;
