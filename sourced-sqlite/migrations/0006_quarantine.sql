-- What failed, and what was done about it.

-- They count while `attempts` is not 0.
ALTER TABLE sourced_lanes ADD COLUMN failed_pos INTEGER;    -- the message
ALTER TABLE sourced_lanes ADD COLUMN failing_since INTEGER; -- the first attempt
ALTER TABLE sourced_lanes ADD COLUMN failed_at INTEGER;     -- the last one

UPDATE sourced_lanes SET failed_pos = sourced_first, failing_since = sourced_now, failed_at = sourced_now
WHERE last_error IS NOT NULL;

CREATE INDEX sourced_lanes_parked ON sourced_lanes (group_id, stream_id) WHERE parked;

-- What people and policies did about messages that failed. The rest of such a message stands in the log.
CREATE TABLE sourced_interventions (
    id       INTEGER PRIMARY KEY,
    group_id INTEGER NOT NULL,
    remedy   TEXT    NOT NULL CHECK (remedy IN ('retried', 'skipped')),
    position INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    error    TEXT,
    reason   TEXT    NOT NULL,
    done_at  INTEGER NOT NULL
) STRICT;

CREATE INDEX sourced_interventions_done ON sourced_interventions (group_id, remedy);
CREATE INDEX sourced_interventions_skips ON sourced_interventions (group_id, position) WHERE remedy = 'skipped';
