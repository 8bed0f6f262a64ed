-- The newest snapshot of each actor and stream. It can be lost: the log has everything.

CREATE TABLE {schema}.snapshots (
    actor text COLLATE "C" NOT NULL, -- its group
    stream text COLLATE "C" NOT NULL,
    seq bigint NOT NULL, -- of the last event in it
    fingerprint bigint NOT NULL, -- of the code and the shape that made it
    state text NOT NULL, -- JSON that nobody but the actor reads
    PRIMARY KEY (actor, stream)
);
