//! The statements, built once when the file is opened.

use sourced::backend::{BackendError, Table};
use sqlx::{AssertSqlSafe, SqlSafeStr as _, SqlStr};

use crate::migrate;
use crate::pages;
use crate::row::{COLUMNS, SIZE};

/// SQLite's own clock in microseconds. It is only ever compared with itself, on one machine.
const NOW: &str = "CAST(unixepoch('subsec') * 1000000 AS INTEGER)";

/// The position of the first message that the lane at hand has to handle: what it owes lies below what is pending.
/// The lane of the whole log owes nothing, and that of a stretch has nothing of its own.
const FIRST: &str = "CASE WHEN sourced_lanes.stream_id <> 0 THEN coalesce(
    (SELECT o.position FROM sourced_owing o WHERE o.lane_id = sourced_lanes.id ORDER BY o.seq LIMIT 1),
    (SELECT p.position FROM sourced_pending p WHERE p.lane_id = sourced_lanes.id ORDER BY p.seq LIMIT 1))
    ELSE (SELECT p.position FROM sourced_groups g
        CROSS JOIN sourced_messages p ON p.position > sourced_lanes.acked AND p.position <= sourced_lanes.head
        WHERE g.id = sourced_lanes.group_id AND p.decided_by IS NOT g.name
          AND EXISTS (SELECT 1 FROM sourced_group_types t WHERE t.group_id = g.id AND t.type = p.type)
        ORDER BY p.position LIMIT 1) END";

/// So many messages go into one `INSERT`, the largest number that fits first.
pub(crate) const ROWS: [usize; 8] = [256, 64, 16, 8, 4, 3, 2, 1];

/// What becomes of the transaction after a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Open,
    Commit,
}

/// The streams of a list: each has its id, name, last seq and that of its last event.
const STORE_STREAMS: &str = "INSERT INTO sourced_streams (id, name, version, last_event_seq)
    SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM json_each(?) WHERE true
    ON CONFLICT (id) DO UPDATE SET version = excluded.version, last_event_seq = excluded.last_event_seq";

macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident = $text:expr;)*) => {
        /// All statements that take no part in migrations.
        #[derive(Debug)]
        pub(crate) struct Statements {
            $($(#[$doc])* pub(crate) $name: SqlStr,)*
            insert_messages: [[SqlStr; 4]; ROWS.len()],
            pub(crate) put_documents: [SqlStr; ROWS.len()],
            prefix: Prefix,
        }

        impl Statements {
            /// The statements for tables of this prefix.
            pub(crate) fn new(prefix: &Prefix) -> Self {
                Self {
                    $($name: prefix.statement($text),)*
                    insert_messages: ROWS.map(|rows| insert_messages(prefix, rows)),
                    put_documents: ROWS.map(|rows| put_documents(prefix, rows)),
                    prefix: prefix.clone(),
                }
            }

            /// Every statement and its name, to look at their plans.
            #[cfg(test)]
            pub(crate) fn all(&self) -> Vec<(&'static str, SqlStr)> {
                vec![$((stringify!($name), self.$name.clone()),)*]
            }
        }
    };
}

statements! {
    find_ids = "SELECT m.id, m.seq, m.position, s.name AS name FROM sourced_messages m
        JOIN sourced_streams s ON s.id = m.stream_id
        WHERE m.id IN (SELECT unhex(value) FROM json_each(?1))";
    look_up = include_str!("../sql/look_up.sql");
    begin_looking = concat!("BEGIN IMMEDIATE;", include_str!("../sql/look_up.sql"));
    begin_again = concat!("ROLLBACK; BEGIN IMMEDIATE;", include_str!("../sql/look_up.sql"));
    commit = "COMMIT";
    read_stream = "SELECT sourced_columns FROM sourced_messages m JOIN sourced_streams s ON s.id = m.stream_id
        WHERE s.name = ?1 AND m.seq > ?2 AND m.seq <= ?3 AND (?4 IS NULL OR m.kind = ?4) ORDER BY m.seq LIMIT ?5";
    read_stream_backwards = "SELECT sourced_columns FROM sourced_messages m JOIN sourced_streams s ON s.id = m.stream_id
        WHERE s.name = ?1 AND m.seq > ?2 AND m.seq <= ?3 AND (?4 IS NULL OR m.kind = ?4) ORDER BY m.seq DESC LIMIT ?5";
    page_of_everything = &pages::of_everything("ASC");
    page_of_everything_backwards = &pages::of_everything("DESC");
    page_of_log = &pages::of_log("ASC");
    page_of_log_backwards = &pages::of_log("DESC");
    page_of_stream = &pages::of_stream("ASC");
    page_of_stream_backwards = &pages::of_stream("DESC");
    page_of_conversation = &pages::of_conversation("ASC");
    page_of_conversation_backwards = &pages::of_conversation("DESC");
    summary_of_log = &pages::summary_of_log();
    summary_of_streams = &pages::summary_of_streams();
    summary_of_conversation = &pages::summary_of_conversation();
    log_end = "SELECT coalesce(max(position), 0) FROM sourced_messages";
    find = "SELECT sourced_columns FROM sourced_messages m JOIN sourced_streams s ON s.id = m.stream_id
        WHERE m.id = ?1";
    read_correlation = "SELECT sourced_columns FROM sourced_messages m JOIN sourced_streams s ON s.id = m.stream_id
        WHERE m.correlation_id = ?1 ORDER BY m.position";

    find_group = "SELECT id, start, hi, is_global FROM sourced_groups WHERE name = ?1";
    group_types = "SELECT type FROM sourced_group_types WHERE group_id = ?1 ORDER BY type";
    insert_group = "INSERT INTO sourced_groups (name, start, hi, is_global) VALUES (?1, ?2, ?2, ?3) RETURNING id";
    insert_lane_of_log = "INSERT INTO sourced_lanes (group_id, stream_id, head, acked, acked_seq, epoch)
        VALUES (?1, 0, ?2, ?2, 0, ?1 << 32)";
    lane_of_log = "SELECT acked, max_acked FROM sourced_lanes WHERE group_id = ?1 AND stream_id = 0";
    passed = "SELECT type FROM sourced_messages WHERE position > ?1 AND position <= ?2
          AND type IN (SELECT value FROM json_each(?3)) ORDER BY position LIMIT 1";
    insert_acked_types = "INSERT INTO sourced_acked_types (group_id, type, upto)
        SELECT ?1, value, ?3 FROM json_each(?2) WHERE true ON CONFLICT DO NOTHING";
    rewind_log = "UPDATE sourced_groups SET hi = min(hi,
            (SELECT acked FROM sourced_lanes WHERE group_id = ?1 AND stream_id = 0))
        WHERE id = ?1";
    raise_acked_types = "UPDATE sourced_acked_types
        SET upto = max(upto, (SELECT acked FROM sourced_lanes WHERE group_id = ?1 AND stream_id = 0))
        WHERE group_id = ?1 AND type IN (SELECT type FROM sourced_group_types WHERE group_id = ?1)";
    delete_types = "DELETE FROM sourced_group_types WHERE group_id = ?1";
    insert_types = "INSERT INTO sourced_group_types (group_id, type) SELECT ?1, value FROM json_each(?2)";
    known_types = "SELECT type FROM sourced_known_types WHERE group_name = ?1 ORDER BY type";
    insert_known_types = "INSERT OR IGNORE INTO sourced_known_types (group_name, type) SELECT ?1, value FROM json_each(?2)";
    forget_known_types = "DELETE FROM sourced_known_types WHERE group_name = ?1";
    insert_given_up = "INSERT INTO sourced_given_up_types (group_id, type, hi)
        SELECT ?1, value, (SELECT hi FROM sourced_groups WHERE id = ?1) FROM json_each(?2)";
    delete_given_up = "DELETE FROM sourced_given_up_types
        WHERE group_id = ?1 AND type IN (SELECT value FROM json_each(?2))";
    give_up = include_str!("../sql/give_up.sql");
    take_up = include_str!("../sql/take_up.sql");
    owes = include_str!("../sql/owes.sql");
    rewind_group = include_str!("../sql/rewind_group.sql");
    before = "SELECT position - 1 FROM sourced_messages
        WHERE position > 0 AND created_at >= ?1 ORDER BY position LIMIT 1";
    reset = include_str!("../sql/reset.sql");
    rewind_upto = "UPDATE sourced_groups SET hi = min(hi, ?2) WHERE id = ?1";
    reopen_stream = "UPDATE sourced_lanes
        SET ready = sourced_first
        WHERE group_id = ?1 AND stream_id = (SELECT id FROM sourced_streams WHERE name = ?2) AND ready = 0";
    stop_group = "UPDATE sourced_groups SET state = 'stopped', state_reason = ?2, state_at = sourced_now, state_pos = NULL WHERE name = ?1";
    fail_group = "UPDATE sourced_groups SET state = 'failed', state_reason = ?2, state_at = sourced_now,
        state_pos = (SELECT failed_pos FROM sourced_lanes WHERE id = ?3) WHERE name = ?1";
    start_group = "UPDATE sourced_groups SET state = 'active', state_reason = NULL, state_at = NULL, state_pos = NULL, held_until = 0 WHERE name = ?1";
    group_state = "SELECT g.state, g.state_reason, g.state_at, g.state_pos, ltrim(f.type, '!')
        FROM sourced_groups g LEFT JOIN sourced_messages f ON f.position = g.state_pos WHERE g.name = ?1";
    groups = include_str!("../sql/groups.sql");
    remove_group = "UPDATE sourced_groups SET state = 'removed', name = char(1) || id WHERE name = ?1";
    sweep_owed = "DELETE FROM sourced_owed WHERE lane_id IN (SELECT value FROM json_each(?1))";
    sweep_lanes = "DELETE FROM sourced_lanes WHERE id IN (SELECT value FROM json_each(?1))";
    swept = "SELECT json_group_array(id) FROM (
        SELECT l.id FROM sourced_groups g CROSS JOIN sourced_lanes l ON l.group_id = g.id
        WHERE g.state = 'removed' LIMIT 1000)";
    sweep_types = "DELETE FROM sourced_given_up_types
        WHERE group_id IN (SELECT id FROM sourced_groups WHERE state = 'removed')";
    sweep_interventions = "DELETE FROM sourced_interventions
        WHERE group_id IN (SELECT id FROM sourced_groups WHERE state = 'removed')";
    sweep_acked_types = "DELETE FROM sourced_acked_types
        WHERE group_id IN (SELECT id FROM sourced_groups WHERE state = 'removed')";
    fence_group = include_str!("../sql/fence_group.sql");

    outlook = include_str!("../sql/outlook.sql");
    /// And where the stretch ends that was given back: there the next one begins.
    group_hi = "SELECT g.hi, (SELECT l.acked_seq FROM sourced_lanes l
            WHERE l.group_id = ?1 AND l.stream_id = 0 AND l.acked_seq > g.hi)
        FROM sourced_groups g WHERE g.id = ?1";
    pump_upto = "SELECT max(position) FROM
        (SELECT position FROM sourced_messages WHERE position > ?1 ORDER BY position LIMIT ?2)";
    pump = include_str!("../sql/pump.sql");
    pump_log = include_str!("../sql/pump_log.sql");
    advance_group = "UPDATE sourced_groups SET hi = ?2 WHERE id = ?1";
    wake_due = include_str!("../sql/wake_due.sql");
    next_stretch = include_str!("../sql/next_stretch.sql");
    open_stretch = include_str!("../sql/open_stretch.sql");
    take_back_stretch = "UPDATE sourced_lanes SET acked_seq = 0, worker = NULL, leased_until = NULL, epoch = epoch + 1
        WHERE group_id = ?1 AND stream_id = 0 AND NOT (SELECT is_global FROM sourced_groups WHERE id = ?1)";

    offers = include_str!("../sql/offers.sql");
    take = include_str!("../sql/take.sql");
    deliveries = include_str!("../sql/deliveries.sql");
    deliveries_of_log = include_str!("../sql/deliveries_of_log.sql");
    deliveries_of_stretch = include_str!("../sql/deliveries_of_stretch.sql");
    held = "SELECT l.id, l.stream_id = 0 AND NOT g.is_global
        FROM sourced_groups g
        CROSS JOIN sourced_lanes l ON l.group_id = g.id AND l.stream_id = (SELECT id FROM sourced_streams WHERE name = ?2)
        WHERE g.name = ?1 AND l.worker = ?3 AND l.epoch = ?4";
    take_again = "UPDATE sourced_lanes SET worker = ?3
        WHERE group_id = (SELECT id FROM sourced_groups WHERE name = ?1) AND stream_id = (SELECT id FROM sourced_streams WHERE name = ?2)
          AND worker IS NULL AND epoch = ?4
          AND (stream_id <> 0 OR (SELECT is_global FROM sourced_groups WHERE name = ?1))";
    acknowledge = include_str!("../sql/acknowledge.sql");
    acknowledge_and_commit = concat!(include_str!("../sql/acknowledge.sql"), "; COMMIT");
    acknowledge_stretch = include_str!("../sql/acknowledge_stretch.sql");
    reopen = include_str!("../sql/reopen.sql");
    fail = "UPDATE sourced_lanes SET worker = NULL, ready = NULL, leased_until = NULL, attempts = attempts + 1,
        available_at = sourced_now + ?2, parked = ?2 IS NULL, last_error = ?3, failed_pos = sourced_first,
        failing_since = CASE attempts WHEN 0 THEN sourced_now ELSE failing_since END, failed_at = sourced_now
        WHERE id = ?1";
    postpone = "UPDATE sourced_lanes SET worker = NULL, ready = NULL, leased_until = NULL, available_at = sourced_now + ?2 WHERE id = ?1";
    renew = "UPDATE sourced_lanes SET leased_until = sourced_now + ?2, ready = NULL WHERE id = ?1";
    lane = "SELECT l.acked, l.attempts, l.parked, l.last_error, m.position, m.seq, m.id, ltrim(m.type, '!'), l.failing_since, l.failed_at, f.name
        FROM sourced_lanes l LEFT JOIN sourced_messages m ON m.position = l.failed_pos
        LEFT JOIN sourced_streams f ON f.id = m.stream_id
        WHERE l.group_id = ?1 AND l.stream_id = (SELECT id FROM sourced_streams WHERE name = ?2)
          AND (l.stream_id <> 0 OR (SELECT is_global FROM sourced_groups WHERE id = ?1))";
    parked = "SELECT l.last_error, m.position, m.seq, m.id, m.type, l.failing_since, l.failed_at, f.name, l.attempts, s.name
        FROM sourced_lanes l
        CROSS JOIN sourced_messages m ON m.position = l.failed_pos
        CROSS JOIN sourced_streams f ON f.id = m.stream_id
        CROSS JOIN sourced_streams s ON s.id = l.stream_id
        WHERE l.group_id = ?1 AND l.parked AND l.stream_id > coalesce((SELECT id FROM sourced_streams WHERE name = ?2), -1)
        ORDER BY l.stream_id LIMIT ?3";
    waiting_lane = "SELECT id, sourced_first, parked, attempts, failed_pos, last_error FROM sourced_lanes
        WHERE group_id = ?1 AND stream_id = (SELECT id FROM sourced_streams WHERE name = ?2)";
    retry_parked = "UPDATE sourced_lanes SET parked = 0, attempts = 0, last_error = NULL, ready = sourced_first WHERE id = ?1";
    insert_intervention = "INSERT INTO sourced_interventions (group_id, remedy, position, attempts, error, reason, done_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, sourced_now)";
    interventions = "SELECT i.id, i.remedy, s.name, m.seq, i.position, m.id, ltrim(m.type, '!'), i.attempts, i.error, i.reason, i.done_at
        FROM sourced_interventions i
        CROSS JOIN sourced_messages m ON m.position = i.position
        CROSS JOIN sourced_streams s ON s.id = m.stream_id
        WHERE i.group_id = ?1 AND i.remedy = ?2 AND i.id > ?3 ORDER BY i.id LIMIT ?4";
    skip_of = "SELECT i.id, i.remedy, s.name, m.seq, i.position, m.id, ltrim(m.type, '!'), i.attempts, i.error, i.reason, i.done_at
        FROM sourced_interventions i
        CROSS JOIN sourced_messages m ON m.position = i.position
        CROSS JOIN sourced_streams s ON s.id = m.stream_id
        WHERE i.group_id = ?1 AND i.position = ?2 AND i.remedy = 'skipped' ORDER BY i.id DESC LIMIT 1";
    unsorted = "SELECT g.start FROM sourced_groups g WHERE g.id = ?1 AND NOT g.is_global AND EXISTS (
        SELECT 1 FROM sourced_messages m
        WHERE m.stream_id = (SELECT id FROM sourced_streams WHERE name = ?2) AND m.position > g.start
          AND m.decided_by IS NOT g.name
          AND EXISTS (SELECT 1 FROM sourced_group_types t WHERE t.group_id = g.id AND t.type = m.type))";
    insert_refusal = "INSERT INTO sourced_refusals (command, reason) VALUES (?1, ?2)
        ON CONFLICT (command) DO NOTHING";
    refusals = "SELECT command, reason FROM sourced_refusals
        WHERE command IN (SELECT unhex(value) FROM json_each(?1))";
    lock = "UPDATE sourced_streams SET version = version WHERE id = 0";
    handles = "SELECT 1 FROM sourced_group_types t JOIN sourced_groups g ON g.id = t.group_id WHERE g.name = ?1 AND t.type = ?2";
    is_waiting = include_str!("../sql/is_waiting.sql");
    settle = include_str!("../sql/settle.sql");
    pending_lanes = include_str!("../sql/pending_lanes.sql");

    insert_scheduled = "INSERT INTO sourced_scheduled (id, due_at, stream, kind, type, decided_by, causation_id,
        correlation_id, created_at, metadata, payload) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
    find_scheduled = "SELECT id, stream AS name FROM sourced_scheduled
        WHERE id IN (SELECT unhex(value) FROM json_each(?1))";
    next_in = "SELECT max(due_at, 0) - sourced_now FROM sourced_scheduled
        WHERE error IS NULL AND due_at >= -9223372036854775808 ORDER BY due_at LIMIT 1";
    due = "SELECT nth, due_at, stream, id, kind, type, decided_by, causation_id, correlation_id, created_at, metadata,
        payload FROM sourced_scheduled WHERE error IS NULL AND due_at <= sourced_now ORDER BY due_at, nth LIMIT ?1";
    delete_scheduled = "DELETE FROM sourced_scheduled WHERE nth IN (SELECT value FROM json_each(?1))";
    put_aside = "UPDATE sourced_scheduled SET error = ?2 WHERE nth = ?1";
    scheduled = "SELECT nth, due_at, stream, id, kind, type, decided_by, causation_id, correlation_id, created_at,
        metadata, payload FROM sourced_scheduled
        WHERE error IS NULL AND due_at >= ?1 AND (due_at > ?1 OR id > ?2) ORDER BY due_at, id LIMIT ?3";
    waiting = "SELECT due_at, error FROM sourced_scheduled WHERE id = ?1";
    set_aside = "SELECT id, error FROM sourced_scheduled
        WHERE error IS NOT NULL AND due_at >= -9223372036854775808 ORDER BY due_at, nth LIMIT ?1";
    cancel = "DELETE FROM sourced_scheduled WHERE id = ?1";
    reschedule = "UPDATE sourced_scheduled SET due_at = ?2, error = NULL WHERE id = ?1";

    recurrence = "SELECT sourced_now, r.rule, r.since, r.last
        FROM (SELECT 1) LEFT JOIN sourced_recurrences r ON r.id = ?1";
    begin_recurrence = "INSERT INTO sourced_recurrences (id, rule, since, last) VALUES (?1, ?2, ?3, ?4)
        ON CONFLICT (id) DO NOTHING";
    advance_recurrence = "UPDATE sourced_recurrences SET rule = ?2, since = ?3, last = ?4
        WHERE id = ?1 AND rule = ?5 AND since = ?6 AND last IS ?7";

    document = "SELECT value FROM sourced_documents WHERE collection = ?1 AND key = ?2";
    documents = "SELECT key, value FROM sourced_documents WHERE collection = ?1 ORDER BY key LIMIT ?2";
    documents_after = "SELECT key, value FROM sourced_documents WHERE collection = ?1 AND key > ?3 ORDER BY key LIMIT ?2";
    put_document = "INSERT INTO sourced_documents (collection, key, value) VALUES (?1, ?2, ?3)
        ON CONFLICT (collection, key) DO UPDATE SET value = excluded.value";
    delete_document = "DELETE FROM sourced_documents WHERE collection = ?1 AND key = ?2";

    live_version = "SELECT version, previous, rolled_back FROM sourced_live_versions WHERE name = ?1";
    enter_version = "INSERT INTO sourced_live_versions (name, version) VALUES (?1, ?2) ON CONFLICT (name) DO NOTHING";
    put_live_version = "UPDATE sourced_live_versions SET version = ?2, previous = ?3, rolled_back = ?4 WHERE name = ?1";
    is_behind = include_str!("../sql/is_behind.sql");
    hold_group = "UPDATE sourced_groups SET held_until = sourced_now + ?2 WHERE name = ?1 AND held_until + ?3 <= sourced_now";
    hold_for_good = "UPDATE sourced_groups SET held_until = 1 << 60 WHERE id = ?1";
    forget_previous = "UPDATE sourced_live_versions SET previous = NULL WHERE name = ?1 AND previous = ?2";

    snapshot = include_str!("../sql/snapshot.sql");
    save_snapshot = include_str!("../sql/save_snapshot.sql");
    // The inner limit is that of `RecentStreams`.
    recent_streams = "SELECT s.name, last, at, created FROM (
            SELECT stream_id AS of, seq AS last, position AS at, created_at AS created FROM sourced_messages
            WHERE position < ?1 ORDER BY position DESC LIMIT 10000)
        CROSS JOIN sourced_streams s ON s.id = of AND s.version = last ORDER BY at DESC LIMIT ?2";
    looked_down_to = "SELECT min(position) FROM (
        SELECT position FROM sourced_messages WHERE position < ?1 ORDER BY position DESC LIMIT 10000)";
    statistics = "SELECT (SELECT coalesce(max(position), 0) FROM sourced_messages),
        (SELECT coalesce(max(id), 0) FROM sourced_streams),
        (SELECT page_count FROM pragma_page_count) * (SELECT page_size FROM pragma_page_size)";
    find_stream = "SELECT id, version FROM sourced_streams WHERE name = ?1";
    waiting_groups = include_str!("../sql/waiting_groups.sql");
    remove_messages = "UPDATE sourced_messages SET type = '!' || type, metadata = NULL, payload = 'null'
        WHERE stream_id = ?1 AND seq <= ?2 AND type NOT LIKE '!%'";
    forget_owed = "DELETE FROM sourced_owed
        WHERE seq <= ?2 AND lane_id IN (SELECT l.id FROM sourced_groups g CROSS JOIN sourced_lanes l ON l.group_id = g.id AND l.stream_id = ?1
            WHERE g.state IN ('active', 'stopped', 'failed'))";
    removed_or_there = "SELECT m.type LIKE '!%' FROM sourced_messages m
        WHERE m.position = ?1 AND m.id = ?2 AND m.seq = ?3 AND ltrim(m.type, '!') = ?4
          AND m.stream_id = (SELECT id FROM sourced_streams WHERE name = ?5)";
    put_back = "UPDATE sourced_messages SET type = ?2, metadata = ?3, payload = ?4 WHERE position = ?1";

    base = include_str!("../sql/base.sql");
    save_base = "INSERT OR REPLACE INTO sourced_snapshot_bases (actor, stream, seq, event, fingerprint, state)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    delete_snapshot = "DELETE FROM sourced_snapshots WHERE actor = ?1 AND stream = ?2";
    delete_base = "DELETE FROM sourced_snapshot_bases WHERE actor = ?1 AND stream = ?2";
}

impl Statements {
    /// What a table of a read model is called here.
    pub(crate) fn table_name(&self, table: &Table) -> String {
        format!("{}{}", self.prefix.0, table.physical_name())
    }

    /// The same in quotes. Both parts were checked.
    pub(crate) fn table(&self, table: &Table) -> String {
        format!("\"{}\"", self.table_name(table))
    }

    /// Stores as many messages as the nth of [`ROWS`] says; before that their streams, and then ends the transaction.
    pub(crate) fn insert_messages(&self, nth: usize, with_streams: bool, end: End) -> SqlStr {
        let which = usize::from(with_streams) + 2 * usize::from(end == End::Commit);
        self.insert_messages[nth][which].clone()
    }
}

fn insert_messages(prefix: &Prefix, rows: usize) -> [SqlStr; 4] {
    let row = "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    let insert = format!(
        "INSERT INTO sourced_messages (position, stream_id, seq, id, kind, type, decided_by, causation_id, \
         correlation_id, created_at, metadata, payload) VALUES {}",
        vec![row; rows].join(", ")
    );
    let with_streams = format!("{STORE_STREAMS}; {insert}");
    [
        insert.clone(),
        with_streams.clone(),
        format!("{insert}; COMMIT"),
        format!("{with_streams}; COMMIT"),
    ]
    .map(|text| prefix.statement(&text))
}

fn put_documents(prefix: &Prefix, rows: usize) -> SqlStr {
    prefix.statement(&format!(
        "INSERT INTO sourced_documents (collection, key, value) VALUES {} \
         ON CONFLICT (collection, key) DO UPDATE SET value = excluded.value",
        vec!["(?, ?, ?)"; rows].join(", ")
    ))
}

/// What all names of tables begin with.
#[derive(Debug, Clone)]
pub(crate) struct Prefix(String);

impl Prefix {
    /// Takes `^[A-Za-z_][A-Za-z0-9_]{0,30}$`: it becomes part of SQL text.
    pub(crate) fn new(prefix: &str) -> Option<Self> {
        let starts_well = prefix.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        let goes_on_well = prefix
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        // SQLite keeps names with this beginning for itself.
        let is_reserved = prefix
            .get(..7)
            .is_some_and(|start| start.eq_ignore_ascii_case("sqlite_"));
        (starts_well && goes_on_well && !is_reserved && prefix.len() <= 31)
            .then(|| Self(prefix.to_owned()))
    }

    /// The same for what comes from outside.
    pub(crate) fn checked(prefix: &str) -> Result<Self, BackendError> {
        let text = "a table prefix has 1 to 31 ASCII letters, digits and `_`, and does not begin with a digit or \
                    `sqlite_`";
        Self::new(prefix).ok_or_else(|| BackendError::Refused(text.into()))
    }

    /// A statement written for the default prefix, made for this one.
    pub(crate) fn statement(&self, text: &str) -> SqlStr {
        AssertSqlSafe(std::sync::Arc::<str>::from(self.text(text))).into_sql_str()
    }

    /// The scripts of [`migrate`] and the statements alike name tables `sourced_…`.
    pub(crate) fn text(&self, text: &str) -> String {
        text.replace("sourced_first", FIRST)
            .replace("sourced_now", NOW)
            .replace("sourced_columns", COLUMNS)
            .replace("sourced_size", SIZE)
            // A bare parameter is looked at when a statement is prepared, which is done again whenever it is bound.
            .replace("LIMIT ?", "LIMIT +?")
            .replace(migrate::DEFAULT_PREFIX, &self.0)
    }
}
