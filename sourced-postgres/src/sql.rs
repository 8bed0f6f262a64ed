//! The text of the statements: rendered once with the schema's name, which is the only thing ever written into it.

use std::sync::Arc;

use sourced::backend::Table;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::{Query, QueryAs, QueryScalar};
use sqlx::{AssertSqlSafe, FromRow, Postgres};

use crate::error::InvalidSchemaName;
use crate::pages::{Both, Pages};

/// The name of a schema, checked, so that it can be quoted safely.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SchemaName(String);

impl SchemaName {
    pub(crate) fn new(name: &str) -> Result<Self, InvalidSchemaName> {
        let starts_well = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        let is_word = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if starts_well && is_word && name.len() <= 48 {
            Ok(Self(name.to_owned()))
        } else {
            Err(InvalidSchemaName(name.chars().take(80).collect()))
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Puts the quoted name into a text.
    pub(crate) fn render(&self, text: &str) -> String {
        text.replace("{schema}", &format!("\"{}\"", self.0))
    }
}

/// Whether a statement stays prepared, under a name, on the connection that has run it once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Preparing {
    Kept,
    /// The next transaction may find another connection behind the same pooler.
    Unnamed,
}

/// What turns texts into statements.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Writer<'s> {
    pub(crate) schema: &'s SchemaName,
    pub(crate) preparing: Preparing,
}

impl Writer<'_> {
    pub(crate) fn text(self, text: &str) -> Text {
        Text {
            text: self.schema.render(text).into(),
            preparing: self.preparing,
        }
    }
}

/// A statement's text.
#[derive(Debug, Clone)]
pub(crate) struct Text {
    text: Arc<str>,
    preparing: Preparing,
}

impl Text {
    pub(crate) fn query<'q>(&self) -> Query<'q, Postgres, PgArguments> {
        sqlx::query(self.safe()).persistent(self.is_kept())
    }

    pub(crate) fn query_as<'q, O: for<'r> FromRow<'r, PgRow>>(
        &self,
    ) -> QueryAs<'q, Postgres, O, PgArguments> {
        sqlx::query_as(self.safe()).persistent(self.is_kept())
    }

    pub(crate) fn query_scalar<'q, O>(&self) -> QueryScalar<'q, Postgres, O, PgArguments>
    where
        (O,): for<'r> FromRow<'r, PgRow>,
    {
        sqlx::query_scalar(self.safe()).persistent(self.is_kept())
    }

    /// Everything in it is ours, but for checked names.
    fn safe(&self) -> AssertSqlSafe<Arc<str>> {
        AssertSqlSafe(Arc::clone(&self.text))
    }

    fn is_kept(&self) -> bool {
        self.preparing == Preparing::Kept
    }

    /// The same with sizes written into it.
    pub(crate) fn sized<const N: usize>(&self, sizes: [(&str, usize); N]) -> Self {
        let text = self.text.to_string();
        let text = sizes.iter().fold(text, |text, (name, size)| {
            text.replace(name, &size.to_string())
        });
        Self {
            text: text.into(),
            preparing: self.preparing,
        }
    }
}

/// What tables of read models are called.
#[derive(Debug)]
pub(crate) struct TableNames(SchemaName);

impl TableNames {
    /// In quotes. Both parts were checked.
    pub(crate) fn of(&self, table: &Table) -> String {
        format!("\"{}\".\"{}\"", self.0.as_str(), table.physical_name())
    }
}

macro_rules! statements {
    ($($(#[$about:meta])* $name:ident = $text:expr;)*) => {
        /// All statements of the backend.
        #[derive(Debug)]
        pub(crate) struct Sql {
            $($(#[$about])* pub(crate) $name: Text,)*
            pub(crate) read_stream: Both,
            pub(crate) pages: Pages,
            /// Those of read models.
            pub(crate) tables: TableNames,
            preparing: Preparing,
        }

        impl Sql {
            pub(crate) fn new(writer: Writer<'_>) -> Self {
                Self {
                    $($name: writer.text($text),)*
                    read_stream: Both::new(writer, include_str!("sql/read_stream.sql")),
                    pages: Pages::new(writer),
                    tables: TableNames(writer.schema.clone()),
                    preparing: writer.preparing,
                }
            }

            /// A statement put together from checked names.
            pub(crate) fn own(&self, text: String) -> Text {
                Text {
                    text: text.into(),
                    preparing: self.preparing,
                }
            }
        }
    };
}

statements! {
    xid = "SELECT pg_current_xact_id()::text";
    xid_if_assigned = "SELECT pg_current_xact_id_if_assigned()::text";
    append = "SELECT bases, positions FROM {schema}.append($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)";
    append_group = "SELECT bases, actuals, positions FROM {schema}.append_group($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)";
    schedule = "SELECT known FROM {schema}.schedule($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
    append_and_schedule = "SELECT a.bases, a.positions, s.known FROM {schema}.append($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17) AS a, LATERAL {schema}.schedule(a.positions::text, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28) AS s";
    next_in = "SELECT (extract(epoch FROM due_at - clock_timestamp()) * 1000000)::bigint FROM {schema}.scheduled WHERE error IS NULL ORDER BY due_at LIMIT 1";
    due = "SELECT id, due_at, stream, kind, type, causation_id, correlation_id, created_at, decided_by, metadata::text, payload::text FROM {schema}.due($1)";
    streams_of_ids = "SELECT m.id, s.name FROM {schema}.messages AS m JOIN {schema}.streams AS s ON s.id = m.stream_id WHERE m.id = ANY($1)";
    delete_scheduled = "DELETE FROM {schema}.scheduled WHERE id = ANY($1)";
    put_aside = "UPDATE {schema}.scheduled AS s SET error = a.error FROM unnest($1, $2) AS a (id, error) WHERE s.id = a.id";
    scheduled = "SELECT id, due_at, stream, kind, type, causation_id, correlation_id, created_at, decided_by, metadata::text, payload::text FROM {schema}.scheduled WHERE error IS NULL ORDER BY due_at, id LIMIT $1";
    scheduled_after = "SELECT id, due_at, stream, kind, type, causation_id, correlation_id, created_at, decided_by, metadata::text, payload::text FROM {schema}.scheduled WHERE error IS NULL AND due_at >= $2 AND (due_at, id) > ($2, $3) ORDER BY due_at, id LIMIT $1";
    waiting = "SELECT due_at, error FROM {schema}.scheduled WHERE id = $1";
    set_aside = "SELECT id, error FROM {schema}.scheduled WHERE error IS NOT NULL ORDER BY due_at, nth LIMIT $1";
    cancel = "DELETE FROM {schema}.scheduled WHERE id = $1";
    reschedule = "UPDATE {schema}.scheduled SET due_at = $2, error = NULL WHERE id = $1";
    progress = "SELECT clock_timestamp() AS now, r.rule, r.since, r.last FROM (SELECT) AS one LEFT JOIN {schema}.recurrences AS r ON r.id = $1";
    begin = "INSERT INTO {schema}.recurrences (id, rule, since, last) VALUES ($1, $2, $3, $4) ON CONFLICT (id) DO NOTHING";
    advance = "UPDATE {schema}.recurrences SET rule = $2, since = $3, last = $4 WHERE id = $1 AND rule = $5 AND since = $6 AND last IS NOT DISTINCT FROM $7";
    stored_ids = "SELECT m.id, s.name AS stream, m.seq, m.position FROM (SELECT pg_catalog.pg_logical_emit_message(true, 'sourced', '')) AS safe, {schema}.messages AS m JOIN {schema}.streams AS s ON s.id = m.stream_id WHERE m.id = ANY($1)";
    horizon = "SELECT {schema}.horizon()";
    marks = include_str!("sql/marks.sql");
    find = include_str!("sql/find.sql");
    read_correlation = include_str!("sql/read_correlation.sql");
    register_group = "SELECT outcome, of_type, acked FROM {schema}.register_group($1, $2, $3, $4, $5, $6)";
    pump_group = "SELECT {schema}.pump(id) FROM {schema}.groups WHERE name = $1";
    reset_group = "SELECT {schema}.reset_group($1, $2, $3, $4)";
    remove_group = "SELECT {schema}.remove_group($1)";
    sweep_groups = "SELECT {schema}.sweep_groups(10000)";
    stop_group = "UPDATE {schema}.groups SET state = 'stopped', state_reason = $2, state_at = clock_timestamp(), state_pos = NULL WHERE name = $1";
    start_group = "UPDATE {schema}.groups SET state = 'active', state_reason = NULL, state_at = NULL, state_pos = NULL, held_until = '-infinity' WHERE name = $1";
    groups = include_str!("sql/groups.sql");
    group_state = "SELECT g.state, g.state_reason, g.state_at, g.state_pos, ltrim(f.type, '!') AS state_type FROM {schema}.groups AS g LEFT JOIN {schema}.messages AS f ON f.position = g.state_pos WHERE g.name = $1";
    known_types = "SELECT type FROM {schema}.known_types WHERE group_name = $1 ORDER BY type";
    insert_known_types = "INSERT INTO {schema}.known_types (group_name, type) SELECT $1, unnest($2::text[]) ON CONFLICT DO NOTHING";
    forget_known_types = "DELETE FROM {schema}.known_types WHERE group_name = $1";
    group_types = "SELECT types, is_global FROM {schema}.groups WHERE name = $1";
    is_read_only = "SELECT pg_catalog.current_setting('transaction_read_only') = 'on'";
    look = "SELECT group_name, group_id, oldest_ready, has_more, is_global, has_stretch,
        pg_catalog.current_setting('transaction_read_only') = 'on' AS is_read_only FROM {schema}.look($1, $2, $3, $4)";
    claim_stretch = "SELECT epoch, after, upto, decided, name, types, gen, reset_pos, changes FROM {schema}.claim_stretch($1, $2, $3, $4, $5)";
    end_of_stretch = "SELECT {schema}.end_of_claim(g, $2, $3, $4, $5) FROM {schema}.groups AS g WHERE g.id = $1";
    stretch = include_str!("sql/stretch.sql");
    pass_stretch = "SELECT {schema}.progress_of_stretch($1, $2, $3, $4)";
    release_stretch = include_str!("sql/release_stretch.sql");
    claim_log = "SELECT * FROM {schema}.claim_log($1, $2, $3, $4, $5)";
    claim = include_str!("sql/claim.sql");
    settle = include_str!("sql/settle.sql");
    ack = "SELECT xid, bases, positions FROM {schema}.ack($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24)";
    ack_and_schedule = "SELECT a.xid, a.bases, a.positions, s.known FROM {schema}.ack($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24) AS a, LATERAL {schema}.schedule(a.xid, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35) AS s";
    ack_all = "SELECT bases, positions, handed_on FROM {schema}.ack_all($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29)";
    postpone = "UPDATE {schema}.lanes SET state = 'delayed', worker = NULL, due_at = clock_timestamp() + $5 * interval '1 microsecond' WHERE group_id = (SELECT id FROM {schema}.groups WHERE name = $1) AND stream_id = (SELECT id FROM {schema}.streams WHERE name = $2) AND worker = $3 AND epoch = $4";
    release = "UPDATE {schema}.lanes SET state = 'ready', worker = NULL, due_at = NULL WHERE group_id = (SELECT id FROM {schema}.groups WHERE name = $1) AND stream_id = (SELECT id FROM {schema}.streams WHERE name = $2) AND worker = $3 AND epoch = $4";
    fail_group = include_str!("sql/fail_group.sql");
    fail = include_str!("sql/fail.sql");
    take_again = include_str!("sql/take_again.sql");
    renew = include_str!("sql/renew.sql");
    lane = include_str!("sql/lane.sql");
    parked = include_str!("sql/parked.sql");
    retry_parked = "SELECT {schema}.retry_parked($1, $2, $3)";
    skip = "SELECT outcome, first FROM {schema}.skip($1, $2, $3, NULL, NULL, NULL, $4)";
    skip_failed = "SELECT outcome FROM {schema}.skip($1, $2, NULL, $3, $4, $5, $5)";
    interventions = include_str!("sql/interventions.sql");
    skip_of = include_str!("sql/skip_of.sql");
    refusals = "SELECT command, reason FROM {schema}.refusals WHERE command = ANY($1)";
    join = "SELECT current_setting('transaction_isolation') AS isolation, current_setting('transaction_read_only')::boolean AS is_read_only, to_regclass('{schema}.position_seq') IS NOT NULL AS is_here, EXISTS (SELECT FROM pg_cursors WHERE name = 'sourced_unit') AS is_given_up";
    is_waiting = include_str!("sql/is_waiting.sql");
    move_on = include_str!("sql/move_on.sql");
    insert_refusals = "INSERT INTO {schema}.refusals (command, reason) SELECT * FROM unnest($1::uuid[], $2::text[]) ON CONFLICT DO NOTHING";
    pending_lanes = include_str!("sql/pending_lanes.sql");
    put_document = "SELECT {schema}.put_document($1, $2, $3)";
    get_document = "SELECT value::text FROM {schema}.documents WHERE collection = $1 AND key = $2";
    get_document_to_change = "SELECT {schema}.get_document($1, $2)";
    delete_document = "DELETE FROM {schema}.documents WHERE collection = $1 AND key = $2";
    documents = "SELECT key, value::text FROM {schema}.documents WHERE collection = $1 AND key > $2 ORDER BY key LIMIT $3";
    first_documents = "SELECT key, value::text FROM {schema}.documents WHERE collection = $1 ORDER BY key LIMIT $2";
    live_version = "SELECT version, previous, rolled_back FROM {schema}.live_versions WHERE name = $1";
    enter_version = "INSERT INTO {schema}.live_versions (name, version) SELECT $1, CASE WHEN EXISTS (SELECT FROM {schema}.groups WHERE name = $3) THEN 1 ELSE $2 END ON CONFLICT (name) DO NOTHING";
    swap_version = "SELECT {schema}.swap_version($1, $2, $3, $4, $5, $6, $7, $8)";
    forget_version = "SELECT {schema}.forget_version($1, $2, $3)";
    hold_group = "UPDATE {schema}.groups SET held_until = clock_timestamp() + $2 * interval '1 microsecond' WHERE name = $1 AND held_until + $3 * interval '1 microsecond' <= clock_timestamp()";
    roll_back_version = "SELECT {schema}.roll_back_version($1, $2, $3, $4, $5, $6)";
    snapshot = include_str!("sql/snapshot.sql");
    save_snapshot = include_str!("sql/save_snapshot.sql");
    recent_streams = include_str!("sql/recent_streams.sql");
    statistics = include_str!("sql/statistics.sql");
    lock_stream = "SELECT id, version FROM {schema}.streams WHERE name = $1 FOR NO KEY UPDATE";
    lock_groups = "SELECT FROM {schema}.groups ORDER BY id FOR KEY SHARE";
    waiting_groups = include_str!("sql/waiting_groups.sql");
    forget_owed = "DELETE FROM {schema}.owed AS o USING {schema}.groups AS g WHERE o.group_id = g.id AND o.stream_id = $1 AND o.seq <= $2";
    remove_messages = "UPDATE {schema}.messages SET type = '!' || type, metadata = NULL, payload = 'null' WHERE stream_id = $1 AND seq <= $2 AND left(type, 1) <> '!'";
    restore = include_str!("sql/restore.sql");
    base = include_str!("sql/base.sql");
    save_base = "INSERT INTO {schema}.snapshot_bases AS s (actor, stream, seq, event, fingerprint, state) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (actor, stream) DO UPDATE SET seq = excluded.seq, event = excluded.event, fingerprint = excluded.fingerprint, state = excluded.state";
    delete_snapshot = "WITH base AS (DELETE FROM {schema}.snapshot_bases WHERE actor = $1 AND stream = $2) DELETE FROM {schema}.snapshots WHERE actor = $1 AND stream = $2";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_schema_is_a_word() {
        for good in ["sourced", "_a1", "Shop"] {
            assert_eq!(SchemaName::new(good).unwrap().as_str(), good);
        }
        for bad in ["", "1a", "a b", "a\"b", "a;b", "ä", &"x".repeat(49)] {
            assert!(SchemaName::new(bad).is_err(), "{bad:?}");
        }
    }
}
