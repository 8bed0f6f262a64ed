-- What operators do to groups, and what is owed: messages that a group came to handle after their lane had passed them.

ALTER TABLE sourced_groups ADD COLUMN state TEXT NOT NULL DEFAULT 'active'
    CHECK (state IN ('active', 'stopped', 'failed', 'removed'));
ALTER TABLE sourced_groups ADD COLUMN state_reason TEXT;
ALTER TABLE sourced_groups ADD COLUMN state_at INTEGER;

CREATE INDEX sourced_groups_state ON sourced_groups (state);

-- The types a group has given up. What was stored up to `hi` was delivered or is owed.
CREATE TABLE sourced_given_up_types (
    group_id INTEGER NOT NULL,
    type     TEXT    NOT NULL,
    hi       INTEGER NOT NULL,
    PRIMARY KEY (group_id, type)
) STRICT, WITHOUT ROWID;

-- Messages that lie where their lane has passed, without being acknowledged; also of types that were given up. A replay
-- is here when its type was given up before it came again.
CREATE TABLE sourced_owed (
    lane_id   INTEGER NOT NULL,
    seq       INTEGER NOT NULL,
    position  INTEGER NOT NULL,
    type      TEXT    NOT NULL,
    is_replay INTEGER NOT NULL,
    PRIMARY KEY (lane_id, seq)
) STRICT, WITHOUT ROWID;

-- Whether to look for what is owed: nearly always not.
ALTER TABLE sourced_lanes ADD COLUMN owes INTEGER NOT NULL DEFAULT 0;

-- What each lane has passed and has to handle nevertheless, before what is pending.
CREATE VIEW sourced_owing AS
SELECT l.id AS lane_id, o.position AS position, o.seq AS seq
FROM sourced_lanes l
CROSS JOIN sourced_owed o ON o.lane_id = l.id AND o.seq <= l.acked_seq
WHERE l.owes
  AND EXISTS (SELECT 1 FROM sourced_group_types t WHERE t.group_id = l.group_id AND t.type = o.type);
