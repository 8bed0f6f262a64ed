-- The types of messages that the reactor of a group knows, or has known in an earlier program. What a program renames
-- without an alias is missing from what it knows.
CREATE TABLE sourced_known_types (
    group_name TEXT NOT NULL,
    type TEXT NOT NULL,
    PRIMARY KEY (group_name, type)
) STRICT, WITHOUT ROWID;
