//! The statements that read the log: built from fixed parts, which of them depends on what is meant.

use sourced::Timestamp;
use sourced::backend::{Direction, ReadLog, Selection, Source};
use sqlx::query::Query;
use sqlx::sqlite::SqliteArguments;
use sqlx::{SqlStr, Sqlite};

use crate::row::{kind_text, limit, signed};
use crate::sql::Statements;

/// What was removed is no part of the log.
const LEFT: &str = "AND m.type NOT LIKE '!%'";

const FILTER: &str = "
    AND m.type NOT LIKE '!%'
    AND (?4 IS NULL OR m.type IN (SELECT value FROM json_each(?4)))
    AND (?5 IS NULL OR m.kind = ?5)
    AND (?6 IS NULL OR m.correlation_id = ?6)
    AND (?7 IS NULL OR m.created_at >= ?7)
    AND (?8 IS NULL OR m.created_at < ?8)
    AND (?9 IS NULL OR NOT EXISTS (SELECT 1 FROM json_each(?9) AS part WHERE instr(coalesce(m.metadata, ''), part.value) = 0))
    AND (?10 IS NULL OR substr(s.name, 1, length(?10)) = ?10)";

const OF_LOG: &str = "
    FROM sourced_messages m CROSS JOIN sourced_streams s ON s.id = m.stream_id
    WHERE m.position > ?1 AND m.position <= ?2";

const OF_CONVERSATION: &str = "
    FROM sourced_messages m INDEXED BY sourced_messages_correlation CROSS JOIN sourced_streams s ON s.id = m.stream_id
    WHERE m.correlation_id = ?6 AND m.position > ?1 AND m.position <= ?2";

/// The last seq of the stream `?11` that is not above a position, or 0: positions grow with the seqs, so it is found by
/// halving.
fn seq_at(position: &str) -> String {
    let is_below = format!(
        "coalesce((SELECT p.position FROM sourced_messages p
            WHERE p.stream_id = (SELECT id FROM sourced_streams WHERE name = ?11) AND p.seq = (low + high + 1) / 2), 0) <= {position}"
    );
    format!(
        "(WITH RECURSIVE search (low, high) AS (
            SELECT 0, version FROM sourced_streams WHERE name = ?11
            UNION ALL
            SELECT CASE WHEN {is_below} THEN (low + high + 1) / 2 ELSE low END,
                   CASE WHEN {is_below} THEN high ELSE (low + high + 1) / 2 - 1 END
            FROM search WHERE low < high)
          SELECT low FROM search WHERE low = high)"
    )
}

/// Without any condition but positions: what is asked for most.
pub(crate) fn of_everything(order: &str) -> String {
    format!("SELECT sourced_columns {OF_LOG} {LEFT} ORDER BY m.position {order} LIMIT ?3")
}

pub(crate) fn of_log(order: &str) -> String {
    format!("SELECT sourced_columns {OF_LOG} {FILTER} ORDER BY m.position {order} LIMIT ?3")
}

/// Differs from Postgres: one stream at a time, as a statement more costs next to nothing here.
pub(crate) fn of_stream(order: &str) -> String {
    let (before, last) = (seq_at("?1"), seq_at("?2"));
    format!(
        "SELECT sourced_columns FROM sourced_streams s CROSS JOIN sourced_messages m ON m.stream_id = s.id
         WHERE s.name = ?11 AND m.seq > {before} AND m.seq <= {last} {FILTER} ORDER BY m.seq {order} LIMIT ?3"
    )
}

pub(crate) fn of_conversation(order: &str) -> String {
    format!(
        "SELECT sourced_columns {OF_CONVERSATION} {FILTER} ORDER BY m.position {order} LIMIT ?3"
    )
}

pub(crate) fn summary_of_log() -> String {
    summary(OF_LOG)
}

pub(crate) fn summary_of_streams() -> String {
    summary(
        "FROM sourced_streams s CROSS JOIN sourced_messages m ON m.stream_id = s.id
         WHERE s.name IN (SELECT value FROM json_each(?11)) AND m.position > ?1 AND m.position <= ?2",
    )
}

pub(crate) fn summary_of_conversation() -> String {
    summary(OF_CONVERSATION)
}

fn summary(part: &str) -> String {
    format!(
        "SELECT count(*), min(m.position), max(m.position), min(m.created_at), max(m.created_at) {part} {FILTER}"
    )
}

impl Statements {
    /// The statement for a page, of one stream where streams are named.
    pub(crate) fn page(&self, read: &ReadLog) -> SqlStr {
        let both = match read.selection.source() {
            Source::Log if read.selection.is_everything() => {
                [&self.page_of_everything, &self.page_of_everything_backwards]
            }
            Source::Log => [&self.page_of_log, &self.page_of_log_backwards],
            Source::Streams(_) => [&self.page_of_stream, &self.page_of_stream_backwards],
            Source::Conversation(_) => [
                &self.page_of_conversation,
                &self.page_of_conversation_backwards,
            ],
        };
        let [forwards, backwards] = both;
        match read.direction {
            Direction::Forwards => forwards.clone(),
            Direction::Backwards => backwards.clone(),
        }
    }

    /// The statement for the figures.
    pub(crate) fn summary(&self, selection: &Selection) -> SqlStr {
        let statement = match selection.source() {
            Source::Log => &self.summary_of_log,
            Source::Streams(_) => &self.summary_of_streams,
            Source::Conversation(_) => &self.summary_of_conversation,
        };
        statement.clone()
    }
}

/// What the statements are given besides the bounds and the stream.
pub(crate) struct Conditions {
    types: Option<String>,
    kind: Option<&'static str>,
    correlation: Option<Vec<u8>>,
    since: Option<i64>,
    until: Option<i64>,
    metadata: Option<String>,
    prefix: Option<String>,
}

impl Conditions {
    pub(crate) fn of(selection: &Selection) -> Self {
        let types = selection.types.as_ref();
        let metadata = selection.metadata_texts();
        let id = selection
            .correlation
            .map(|id| id.as_uuid().as_bytes().to_vec());
        Self {
            types: types.map(|types| list(types)),
            kind: selection.kind.map(kind_text),
            correlation: id,
            since: selection.since.map(Timestamp::as_micros),
            until: selection.until.map(Timestamp::as_micros),
            metadata: (!metadata.is_empty()).then(|| list(&metadata)),
            prefix: selection.stream_prefix.clone(),
        }
    }

    /// Binds what all these statements have in common. `streams` is the name of one for a page, and a list for figures.
    pub(crate) fn bind(
        &self,
        query: Query<'static, Sqlite, SqliteArguments>,
        bounds: Bounds,
        streams: Option<&str>,
    ) -> Query<'static, Sqlite, SqliteArguments> {
        query
            .bind(signed(bounds.after))
            .bind(signed(bounds.upto))
            .bind(limit(bounds.limit))
            .bind(self.types.clone())
            .bind(self.kind)
            .bind(self.correlation.clone())
            .bind(self.since)
            .bind(self.until)
            .bind(self.metadata.clone())
            .bind(self.prefix.clone())
            .bind(streams.map(ToOwned::to_owned))
    }
}

/// Text as `json_each` takes it.
pub(crate) fn list(texts: &[impl AsRef<str>]) -> String {
    let texts: Vec<&str> = texts.iter().map(AsRef::as_ref).collect();
    serde_json::Value::from(texts).to_string()
}

/// The positions to look at, and how many messages at most.
#[derive(Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) after: u64,
    pub(crate) upto: u64,
    pub(crate) limit: usize,
}
