//! Counts what is wrong with the log and the effects.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use futures_util::TryStreamExt as _;
use sourced::{App, MessageId, Selection, StoredMessage, StreamId, TypeName};
use sqlx::Row as _;

use crate::conductor::DISPATCHERS;
use crate::database::Database;
use crate::dispatcher::{TASKS, acknowledged, id, path};
use crate::domain::{Confirm, Confirmed, Deposit, Deposited, Note, Noted, is_unwelcome};
use crate::report::Report;

const PAGE: usize = 5_000;
/// So many problems are told; the others are only counted.
const TOLD: u64 = 20;

/// Reads everything and fills the report. The log stays in memory meanwhile.
pub(crate) async fn verify(
    app: &App,
    database: &Database,
    folder: &Path,
    report: &mut Report,
) -> anyhow::Result<()> {
    let log = Log::read(app).await?;
    report.messages = log.messages.len() as u64;
    log.check_acknowledged(folder, report)?;
    log.check_chains(app, report).await?;
    log.check_order(report)?;
    let effects = effects(database).await?;
    log.check_effects(&effects, report);
    Ok(())
}

/// Counts one problem.
fn note(count: &mut u64, what: std::fmt::Arguments<'_>) {
    *count += 1;
    if *count <= TOLD {
        eprintln!("wrong: {what}");
    }
}

/// All messages, in the order of the log.
struct Log {
    messages: Vec<StoredMessage>,
}

impl Log {
    async fn read(app: &App) -> anyhow::Result<Self> {
        let messages = app.log(Selection::all()).stream();
        Ok(Self {
            messages: messages.try_collect().await?,
        })
    }

    /// acked-is-durable: what a dispatcher was told to be stored is there, once.
    fn check_acknowledged(&self, folder: &Path, report: &mut Report) -> anyhow::Result<()> {
        let ids: HashSet<MessageId> = self.messages.iter().map(|message| message.id).collect();
        if ids.len() < self.messages.len() {
            let n_doubled = self.messages.len() - ids.len();
            note(
                &mut report.doubled,
                format_args!("{n_doubled} ids are stored twice"),
            );
        }
        let mut n_acknowledged = 0;
        for lane in 0..TASKS * DISPATCHERS {
            for nth in 0..acknowledged(&path(folder, lane))? {
                n_acknowledged += 1;
                if !ids.contains(&id(lane, nth)) {
                    note(
                        &mut report.acked_lost,
                        format_args!("command {nth} of task {lane} is not stored"),
                    );
                }
            }
        }
        eprintln!("{n_acknowledged} commands were acknowledged");
        Ok(())
    }

    /// decided-once, never-skipped, schedule-once: each message led to exactly one of what it has to lead to.
    async fn check_chains(&self, app: &App, report: &mut Report) -> anyhow::Result<()> {
        let mut led_to: HashMap<(MessageId, &str), u64> = HashMap::new();
        for message in self.messages.iter().filter(|message| !message.is_root()) {
            *led_to
                .entry((message.causation_id, message.type_name.as_str()))
                .or_default() += 1;
        }
        let chain = [
            (TypeName::of::<Deposit>(), TypeName::of::<Deposited>()),
            (TypeName::of::<Deposited>(), TypeName::of::<Note>()),
            (TypeName::of::<Note>(), TypeName::of::<Noted>()),
            (TypeName::of::<Noted>(), TypeName::of::<Confirm>()),
            (TypeName::of::<Confirm>(), TypeName::of::<Confirmed>()),
        ];
        let mut refused = Vec::new();
        for message in &self.messages {
            let Some((_, next)) = chain.iter().find(|(from, _)| *from == message.type_name) else {
                continue;
            };
            let is_refused = message.type_name == TypeName::of::<Deposit>()
                && is_unwelcome(message.decode::<Deposit>()?.payload.number);
            if is_refused {
                refused.push(message.id);
            }
            let found = led_to
                .get(&(message.id, next.as_str()))
                .copied()
                .unwrap_or(0);
            let place = format!("{} #{}", message.stream_id, message.seq);
            match (found, is_refused) {
                (0, true) | (1, false) => {}
                (0, false) => note(
                    &mut report.effects_lost,
                    format_args!("{place} led to no {next}"),
                ),
                _ => note(
                    &mut report.doubled,
                    format_args!("{place} led to {found} of {next}"),
                ),
            }
        }
        for page in refused.chunks(PAGE) {
            let known = app.backend().refusals(page).await?.len();
            for _ in known..page.len() {
                note(
                    &mut report.effects_lost,
                    format_args!("the refusal of a command is not recorded"),
                );
            }
        }
        eprintln!("{} commands were refused", refused.len());
        Ok(())
    }

    /// dense-seq, in-order-per-stream, fresh-state: seqs have no holes, positions grow with them, commands were decided
    /// in their order, each on the state that the one before it had led to.
    fn check_order(&self, report: &mut Report) -> anyhow::Result<()> {
        let mut lasts: HashMap<&StreamId, u64> = HashMap::new();
        let mut n_deposits: HashMap<&StreamId, u64> = HashMap::new();
        let seqs: HashMap<MessageId, u64> = self
            .messages
            .iter()
            .filter(|message| message.decided_by.is_none())
            .map(|message| (message.id, message.seq.get()))
            .collect();
        let mut last_causes: HashMap<(&StreamId, &str), u64> = HashMap::new();
        for message in &self.messages {
            let (stream, seq) = (&message.stream_id, message.seq.get());
            let last = lasts.insert(stream, seq).unwrap_or(0);
            if seq != last + 1 {
                note(
                    &mut report.reordered,
                    format_args!("{stream} #{seq} follows #{last}"),
                );
            }
            let name = message.type_name.as_str();
            if message.type_name == TypeName::of::<Deposited>() {
                let n = n_deposits.entry(stream).or_default();
                *n += 1;
                let nth = message.decode::<Deposited>()?.payload.nth;
                if nth != *n {
                    note(
                        &mut report.reordered,
                        format_args!(
                            "{stream} #{seq} was decided as the deposit {nth}, and is the {n}."
                        ),
                    );
                }
            }
            let is_decision = message.type_name == TypeName::of::<Deposited>()
                || message.type_name == TypeName::of::<Noted>()
                || message.type_name == TypeName::of::<Confirmed>();
            if is_decision && let Some(cause) = seqs.get(&message.causation_id) {
                let before = last_causes.insert((stream, name), *cause).unwrap_or(0);
                if before >= *cause {
                    note(
                        &mut report.reordered,
                        format_args!("{stream} #{cause} was decided after #{before}"),
                    );
                }
            }
        }
        Ok(())
    }

    /// one-transaction, fenced: each event was recorded once, in order, with its acknowledgement.
    fn check_effects(&self, effects: &[Effect], report: &mut Report) {
        let mut live: HashMap<(&str, i64), u64> = HashMap::new();
        let mut lasts: HashMap<&str, i64> = HashMap::new();
        for effect in effects.iter().filter(|effect| !effect.replaying) {
            let Effect { stream, seq, .. } = effect;
            *live.entry((stream, *seq)).or_default() += 1;
            let last = lasts.insert(stream, *seq).unwrap_or(0);
            if last > *seq {
                note(
                    &mut report.reordered,
                    format_args!("{stream} #{seq} was recorded after #{last}"),
                );
            }
        }
        for message in &self.messages {
            let is_recorded = [
                TypeName::of::<Deposited>(),
                TypeName::of::<Noted>(),
                TypeName::of::<Confirmed>(),
            ]
            .contains(&message.type_name);
            if !is_recorded {
                continue;
            }
            let (stream, seq) = (message.stream_id.as_str(), message.seq.get().cast_signed());
            match live.get(&(stream, seq)).copied().unwrap_or(0) {
                0 => note(
                    &mut report.effects_lost,
                    format_args!("{stream} #{seq} was not recorded"),
                ),
                1 => {}
                n => note(
                    &mut report.doubled,
                    format_args!("{stream} #{seq} was recorded {n} times"),
                ),
            }
        }
    }
}

/// A row of the recorder.
struct Effect {
    stream: String,
    seq: i64,
    replaying: bool,
}

async fn effects(database: &Database) -> anyhow::Result<Vec<Effect>> {
    const SELECT: &str = "SELECT stream, seq, replaying FROM effects ORDER BY id";
    match database {
        Database::Postgres(url) => {
            let pool = sqlx::PgPool::connect(url).await?;
            let rows = sqlx::query(SELECT).fetch_all(&pool).await?;
            let effect = |row: sqlx::postgres::PgRow| {
                Ok(Effect {
                    stream: row.try_get(0)?,
                    seq: row.try_get(1)?,
                    replaying: row.try_get(2)?,
                })
            };
            rows.into_iter().map(effect).collect()
        }
        Database::Sqlite(path) => {
            let pool = sqlx::SqlitePool::connect_with(
                sqlx::sqlite::SqliteConnectOptions::new().filename(path),
            )
            .await?;
            let rows = sqlx::query(SELECT).fetch_all(&pool).await?;
            let effect = |row: sqlx::sqlite::SqliteRow| {
                Ok(Effect {
                    stream: row.try_get(0)?,
                    seq: row.try_get(1)?,
                    replaying: row.try_get(2)?,
                })
            };
            rows.into_iter().map(effect).collect()
        }
    }
}
