//! The statements that read the log: built from fixed parts, which of them depends on what is meant.

use sourced::backend::{Direction, ReadLog, Selection, Source};
use sourced::{CorrelationId, Timestamp, TypeName};
use sqlx::Postgres;
use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use sqlx::types::Uuid;
use sqlx::types::chrono::{DateTime, Utc};

use crate::row::{clamped, kind_name};
use crate::sql::{Text, Writer};

const FILTER: &str = include_str!("sql/filter.sql");
/// What was removed is no part of the log.
const LEFT: &str = "AND left(m.type, 1) <> '!'";
const SEQ_AT: &str = include_str!("sql/seq_at.sql");

/// The texts from which they are built.
#[derive(Debug)]
pub(crate) struct Pages {
    of_log: Both,
    /// Without any condition but positions: what it is asked for most.
    of_everything: Both,
    of_streams: Both,
    of_conversation: Both,
    summary_of_log: Text,
    summary_of_streams: Text,
    summary_of_conversation: Text,
}

/// A text for each direction.
#[derive(Debug)]
pub(crate) struct Both {
    forwards: Text,
    backwards: Text,
}

impl Both {
    pub(crate) fn new(writer: Writer<'_>, text: &str) -> Self {
        let ordered = |order| writer.text(&text.replace("{order}", order));
        Self {
            forwards: ordered("ASC"),
            backwards: ordered("DESC"),
        }
    }

    pub(crate) fn of(&self, direction: Direction) -> &Text {
        match direction {
            Direction::Forwards => &self.forwards,
            Direction::Backwards => &self.backwards,
        }
    }
}

impl Pages {
    pub(crate) fn new(writer: Writer<'_>) -> Self {
        let page = |text: &str, filter: &str| {
            let text = text.replace("{filter}", filter);
            let text = ["$1", "$2"].iter().fold(text, |text, position| {
                let seq_at = SEQ_AT.replace("{position}", position);
                text.replace(&format!("{{seq_at {position}}}"), &seq_at)
            });
            Both::new(writer, &text)
        };
        let summary = |source: &str| {
            let text = include_str!("sql/summary.sql");
            let text = text.replace("{source}", source).replace("{filter}", FILTER);
            writer.text(&text)
        };
        let of_log = include_str!("sql/page_of_log.sql");
        Self {
            of_log: page(of_log, FILTER),
            of_everything: page(of_log, LEFT),
            of_streams: page(include_str!("sql/page_of_streams.sql"), FILTER),
            of_conversation: page(include_str!("sql/page_of_conversation.sql"), FILTER),
            summary_of_log: summary("{schema}.messages"),
            summary_of_streams: summary(
                "(SELECT * FROM {schema}.messages
                   WHERE stream_id = ANY(ARRAY(SELECT id FROM {schema}.streams WHERE name = ANY($11))))",
            ),
            summary_of_conversation: summary(
                "(SELECT * FROM {schema}.messages WHERE correlation_id = $6 OFFSET 0)",
            ),
        }
    }

    /// The statement for a page.
    pub(crate) fn page(&self, read: &ReadLog) -> Text {
        let text = match read.selection.source() {
            Source::Log if read.selection.is_everything() => &self.of_everything,
            Source::Log => &self.of_log,
            Source::Streams(_) => &self.of_streams,
            Source::Conversation(_) => &self.of_conversation,
        };
        // Few distinct texts: the statements are prepared once for each.
        let ceiling = read.most().clamp(1, 1 << 30).next_power_of_two();
        text.of(read.direction).sized([("{limit}", ceiling)])
    }

    /// The statement for the figures.
    pub(crate) fn summary(&self, selection: &Selection) -> &Text {
        match selection.source() {
            Source::Log => &self.summary_of_log,
            Source::Streams(_) => &self.summary_of_streams,
            Source::Conversation(_) => &self.summary_of_conversation,
        }
    }
}

/// What the statements are given besides positions and limit.
pub(crate) struct Conditions {
    types: Option<Vec<String>>,
    kind: Option<&'static str>,
    correlation: Option<Uuid>,
    since: Option<DateTime<Utc>>,
    until: Option<DateTime<Utc>>,
    metadata: Option<Vec<String>>,
    prefix: Option<String>,
    streams: Option<Vec<String>>,
}

impl Conditions {
    pub(crate) fn of(selection: &Selection) -> Self {
        let name = |name: &TypeName| name.as_str().to_owned();
        let types = selection.types.as_ref();
        let streams = selection.streams.as_ref();
        let metadata = selection.metadata_texts();
        Self {
            types: types.map(|types| types.iter().map(name).collect()),
            kind: selection.kind.map(kind_name),
            correlation: selection.correlation.map(CorrelationId::as_uuid),
            since: selection.since.map(time),
            until: selection.until.map(time),
            metadata: (!metadata.is_empty()).then_some(metadata),
            prefix: selection.stream_prefix.clone(),
            streams: streams.map(|all| all.iter().map(|one| one.as_str().to_owned()).collect()),
        }
    }

    /// Binds what all these statements have in common. One that does not look at a value is given it all the same.
    pub(crate) fn bind<'q>(
        &'q self,
        query: Query<'q, Postgres, PgArguments>,
        after: i64,
        upto: i64,
        limit: usize,
    ) -> Query<'q, Postgres, PgArguments> {
        query
            .bind(after)
            .bind(upto)
            .bind(clamped(limit))
            .bind(&self.types)
            .bind(self.kind)
            .bind(self.correlation)
            .bind(self.since)
            .bind(self.until)
            .bind(&self.metadata)
            .bind(&self.prefix)
            .bind(&self.streams)
    }
}

/// Postgres knows no time before its calendar; nothing that is stored is earlier.
fn time(time: Timestamp) -> DateTime<Utc> {
    const EARLIEST: Timestamp = Timestamp::from_micros(-210_866_803_200_000_000);
    time.max(EARLIEST).into()
}
