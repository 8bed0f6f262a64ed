-- How far each recurrence has come.
CREATE TABLE {schema}.recurrences (
    id text COLLATE "C" PRIMARY KEY,
    rule text NOT NULL,
    since timestamptz NOT NULL, -- when the rule was first seen
    last timestamptz -- the last tick that was made
);
