-- How far each recurrence has come. Times are microseconds since 1970.
CREATE TABLE sourced_recurrences (
    id    TEXT    NOT NULL PRIMARY KEY,
    rule  TEXT    NOT NULL,
    since INTEGER NOT NULL, -- when the rule was first seen
    last  INTEGER           -- the last tick that was made
) STRICT, WITHOUT ROWID;
