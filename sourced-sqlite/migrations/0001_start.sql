-- `sourced_` is replaced by the table prefix when the statements are built.

CREATE TABLE sourced_streams (
    id             INTEGER PRIMARY KEY,
    name           TEXT    NOT NULL UNIQUE,
    version        INTEGER NOT NULL, -- the last seq
    last_event_seq INTEGER NOT NULL  -- 0: no event yet
) STRICT;

-- The log. One writer at a time, so the rowid grows in the order of commits; rows are never changed nor removed, so no
-- position is used again. What the pump looks at stands before the payload, which may go on on overflow pages.
CREATE TABLE sourced_messages (
    position       INTEGER PRIMARY KEY,
    stream_id      INTEGER NOT NULL,
    seq            INTEGER NOT NULL,
    id             BLOB    NOT NULL UNIQUE,
    kind           TEXT    NOT NULL CHECK (kind IN ('command', 'event')),
    type           TEXT    NOT NULL,
    decided_by     TEXT, -- a group's name: the group may be registered later
    causation_id   BLOB    NOT NULL,
    correlation_id BLOB    NOT NULL,
    created_at     INTEGER NOT NULL, -- microseconds since 1970
    metadata       TEXT,
    payload        TEXT    NOT NULL,
    UNIQUE (stream_id, seq)
) STRICT;

CREATE INDEX sourced_messages_correlation ON sourced_messages (correlation_id);

CREATE TABLE sourced_groups (
    id    INTEGER PRIMARY KEY,
    name  TEXT    NOT NULL UNIQUE,
    start INTEGER NOT NULL, -- where the group began to listen
    hi    INTEGER NOT NULL  -- everything up to here is sorted into lanes
) STRICT;

CREATE TABLE sourced_group_types (
    group_id INTEGER NOT NULL,
    type     TEXT    NOT NULL,
    PRIMARY KEY (group_id, type)
) STRICT, WITHOUT ROWID;

-- One row per group and stream that ever had a message for the group. At most one of ready, available_at, leased_until
-- and parked is set: the lane is ready, delayed, claimed or parked; none: it is idle.
CREATE TABLE sourced_lanes (
    id           INTEGER PRIMARY KEY,
    group_id     INTEGER NOT NULL,
    stream_id    INTEGER NOT NULL,
    head         INTEGER NOT NULL,           -- position of the last message for the group
    acked        INTEGER NOT NULL,
    acked_seq    INTEGER NOT NULL,           -- nothing up to this seq of the stream is pending
    max_acked    INTEGER NOT NULL DEFAULT 0, -- the highest position ever acknowledged
    ready        INTEGER,                    -- position of the first pending message
    available_at INTEGER,
    leased_until INTEGER,
    parked       INTEGER NOT NULL DEFAULT 0,
    attempts     INTEGER NOT NULL DEFAULT 0,
    last_error   TEXT,
    worker       BLOB,                       -- stays after the lease has ended, until somebody else claims
    epoch        INTEGER NOT NULL DEFAULT 0,
    UNIQUE (group_id, stream_id)
) STRICT;

CREATE INDEX sourced_lanes_ready ON sourced_lanes (group_id, ready) WHERE ready IS NOT NULL;
CREATE INDEX sourced_lanes_delayed ON sourced_lanes (group_id, available_at) WHERE available_at IS NOT NULL;
CREATE INDEX sourced_lanes_leased ON sourced_lanes (group_id, leased_until) WHERE leased_until IS NOT NULL;

-- What each lane has yet to handle. CROSS JOIN fixes the order: from one lane to the end of its stream.
CREATE VIEW sourced_pending AS
SELECT l.id AS lane_id, m.position AS position, m.seq AS seq
FROM sourced_lanes l
CROSS JOIN sourced_groups g ON g.id = l.group_id
CROSS JOIN sourced_messages m ON m.stream_id = l.stream_id AND m.seq > l.acked_seq
WHERE m.decided_by IS NOT g.name
  AND EXISTS (SELECT 1 FROM sourced_group_types t WHERE t.group_id = l.group_id AND t.type = m.type);

CREATE TABLE sourced_refusals (
    command BLOB PRIMARY KEY NOT NULL,
    reason  TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE sourced_documents (
    collection TEXT NOT NULL,
    key        TEXT NOT NULL,
    value      TEXT NOT NULL,
    PRIMARY KEY (collection, key)
) STRICT, WITHOUT ROWID;
