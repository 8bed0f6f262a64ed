-- The types of messages that the reactor of a group knows, or has known in an earlier program. What a program renames
-- without an alias is missing from what it knows.
CREATE TABLE {schema}.known_types (
    group_name text NOT NULL,
    type text NOT NULL,
    PRIMARY KEY (group_name, type)
);
