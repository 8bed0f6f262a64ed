-- Groups that are given the whole log in the order of its positions. They have one lane, of the stream 0, from when they
-- are registered; its `acked_seq` is 0, since the log has no seqs.

ALTER TABLE sourced_groups ADD COLUMN is_global INTEGER NOT NULL DEFAULT 0;

-- Nothing can be appended to it.
INSERT INTO sourced_streams (id, name, version, last_event_seq) VALUES (0, '*', 0, 0);

-- How far such a group has ever acknowledged a type, where that is less than `max_acked` of its lane: it took the type up,
-- or gave it up, in a replay.
CREATE TABLE sourced_acked_types (
    group_id INTEGER NOT NULL,
    type     TEXT    NOT NULL,
    upto     INTEGER NOT NULL,
    PRIMARY KEY (group_id, type)
) STRICT, WITHOUT ROWID;
