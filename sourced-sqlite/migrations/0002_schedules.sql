-- Messages for later. They move to the log in the order of due_at, and then of nth, the order of scheduling.
CREATE TABLE sourced_scheduled (
    nth            INTEGER PRIMARY KEY,
    id             BLOB    NOT NULL UNIQUE,
    due_at         INTEGER NOT NULL, -- microseconds since 1970
    stream         TEXT    NOT NULL, -- its name: the stream may not be there yet
    kind           TEXT    NOT NULL,
    type           TEXT    NOT NULL,
    decided_by     TEXT,
    causation_id   BLOB    NOT NULL,
    correlation_id BLOB    NOT NULL,
    created_at     INTEGER NOT NULL,
    metadata       TEXT,
    payload        TEXT    NOT NULL,
    error          TEXT -- why it was set aside
) STRICT;

CREATE INDEX sourced_scheduled_due ON sourced_scheduled (due_at) WHERE error IS NULL;
CREATE INDEX sourced_scheduled_aside ON sourced_scheduled (due_at) WHERE error IS NOT NULL;
