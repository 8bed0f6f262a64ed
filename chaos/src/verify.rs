//! Counts what is wrong with the log and the effects.

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};
use std::path::Path;

use futures_util::TryStreamExt as _;
use sourced::backend::Parked;
use sourced::message::MessageType;
use sourced::{App, GroupId, MessageId, Selection, StoredMessage, StreamId, TypeName};
use sqlx::Row as _;

use crate::conductor::DISPATCHERS;
use crate::database::Database;
use crate::dispatcher::{TASKS, acknowledged, id, is_visit, number, path};
use crate::domain::{
    Confirm, Confirmed, Deposit, Deposited, Note, Noted, TALLIES, Visit, Visited, is_unwelcome,
};
use crate::losses::Losses;
use crate::recorder;
use crate::report::Report;

const PAGE: usize = 5_000;
/// So many problems are told; the others are only counted.
const TOLD: u64 = 20;

/// Reads everything and fills the report. The log stays in memory meanwhile.
pub(crate) async fn verify(
    app: &App,
    database: &Database,
    folder: &Path,
    losses: &Losses,
    report: &mut Report,
) -> anyhow::Result<()> {
    let log = Log::read(app).await?;
    report.messages = log.messages.len() as u64;
    log.check_acknowledged(folder, losses, report)?;
    log.check_chains(app, report).await?;
    log.check_order(report)?;
    log.check_causes(report);
    log.check_tallies(app, report).await?;
    check_parked(app, report).await?;
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

    /// What is told by all messages of a type, and their streams.
    fn of<M: MessageType>(
        &self,
        tell: impl Fn(M) -> u64,
    ) -> anyhow::Result<Vec<(&StoredMessage, u64)>> {
        let is_one = |message: &&StoredMessage| message.type_name == TypeName::of::<M>();
        let told = self.messages.iter().filter(is_one);
        told.map(|message| Ok((message, tell(message.decode::<M>()?.payload))))
            .collect()
    }

    /// acked-is-durable: what a dispatcher was told to be stored is there, once, unless the database was set back over it.
    fn check_acknowledged(
        &self,
        folder: &Path,
        losses: &Losses,
        report: &mut Report,
    ) -> anyhow::Result<()> {
        let ids: HashSet<MessageId> = self.messages.iter().map(|message| message.id).collect();
        let visits = self.of::<Visit>(|visit| visit.number)?;
        let visits: HashSet<u64> = visits.into_iter().map(|(_, number)| number).collect();
        if ids.len() < self.messages.len() {
            let n_doubled = self.messages.len() - ids.len();
            note(
                &mut report.doubled,
                format_args!("{n_doubled} ids are stored twice"),
            );
        }
        let (mut n_acknowledged, mut n_gone) = (0, 0);
        for lane in 0..TASKS * DISPATCHERS {
            for nth in 0..acknowledged(&path(folder, lane))? {
                n_acknowledged += 1;
                let is_there = if is_visit(nth) {
                    visits.contains(&number(lane, nth))
                } else {
                    ids.contains(&id(lane, nth))
                };
                if is_there {
                    continue;
                }
                if losses.are_expected(lane, nth) {
                    n_gone += 1;
                } else {
                    note(
                        &mut report.acked_lost,
                        format_args!("command {nth} of task {lane} is not stored"),
                    );
                }
            }
        }
        eprintln!(
            "{n_acknowledged} commands were acknowledged, {n_gone} of them were set back over"
        );
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
            (TypeName::of::<Visit>(), TypeName::of::<Visited>()),
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
        check_nth(&self.of::<Deposited>(|event| event.nth)?, report);
        check_nth(&self.of::<Visited>(|event| event.nth)?, report);
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

    /// history-goes-on: nothing was made of what is not there.
    fn check_causes(&self, report: &mut Report) {
        let ids: HashSet<MessageId> = self.messages.iter().map(|message| message.id).collect();
        for message in self.messages.iter().filter(|message| !message.is_root()) {
            if !ids.contains(&message.causation_id) {
                let StoredMessage { stream_id, seq, .. } = message;
                note(
                    &mut report.unfounded,
                    format_args!("what led to {stream_id} #{seq} is not there"),
                );
            }
        }
    }

    /// history-goes-on: projections tell of what is there, and of nothing else.
    async fn check_tallies(&self, app: &App, report: &mut Report) -> anyhow::Result<()> {
        let mut tallies = HashMap::new();
        let found = app.backend().documents(TALLIES, None, PAGE).await?;
        for document in found {
            tallies.insert(document.key, document.value.decode::<u64>()?);
        }
        let mut n_deposits: HashMap<&str, u64> = HashMap::new();
        for message in &self.messages {
            if message.type_name == TypeName::of::<Deposited>() {
                *n_deposits.entry(message.stream_id.as_str()).or_default() += 1;
            }
        }
        for (account, n) in &n_deposits {
            let told = tallies.remove(*account).unwrap_or(0);
            let count = match told.cmp(n) {
                Ordering::Less => &mut report.effects_lost,
                Ordering::Equal => continue,
                Ordering::Greater => &mut report.unfounded,
            };
            note(
                count,
                format_args!("{account} had {n} deposits, and {told} are told"),
            );
        }
        for account in tallies.keys() {
            note(
                &mut report.unfounded,
                format_args!("{account} had no deposits, and some are told"),
            );
        }
        Ok(())
    }

    /// one-transaction, fenced: each event was recorded once, in order, with its acknowledgement.
    fn check_effects(&self, effects: &[Effect], report: &mut Report) {
        let ids = self.messages.iter().map(|message| message.id.to_string());
        let ids: HashSet<String> = ids.collect();
        let mut live: HashMap<(&str, i64), u64> = HashMap::new();
        let mut lasts: HashMap<&str, i64> = HashMap::new();
        for effect in effects.iter().filter(|effect| !effect.replaying) {
            let Effect {
                stream, seq, event, ..
            } = effect;
            if !ids.contains(event) {
                note(
                    &mut report.unfounded,
                    format_args!("{stream} #{seq} was recorded as {event}, which is not there"),
                );
            }
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

/// fresh-state: what a decision has counted is what there is.
fn check_nth(events: &[(&StoredMessage, u64)], report: &mut Report) {
    let mut counts: HashMap<&StreamId, u64> = HashMap::new();
    for (event, nth) in events {
        let n = counts.entry(&event.stream_id).or_default();
        *n += 1;
        if nth != n {
            let StoredMessage {
                stream_id,
                seq,
                type_name,
                ..
            } = event;
            note(
                &mut report.reordered,
                format_args!(
                    "{stream_id} #{seq} was decided as {type_name} {nth}, and is the {n}."
                ),
            );
        }
    }
}

/// An outage is no attempt: nothing waits for a person.
async fn check_parked(app: &App, report: &mut Report) -> anyhow::Result<()> {
    for group in ["account", "book", "tally", recorder::GROUP] {
        let group = GroupId::new(group)?;
        for parked in app.backend().parked(&group, None, PAGE).await? {
            let Parked {
                stream, failure, ..
            } = parked;
            note(
                &mut report.parked,
                format_args!("{stream} is parked in {group}: {}", failure.error),
            );
        }
    }
    Ok(())
}

/// A row of the recorder.
struct Effect {
    stream: String,
    seq: i64,
    event: String,
    replaying: bool,
}

async fn effects(database: &Database) -> anyhow::Result<Vec<Effect>> {
    const SELECT: &str = "SELECT stream, seq, message, replaying FROM effects ORDER BY id";
    match database {
        Database::Postgres(url) => {
            let pool = sqlx::PgPool::connect(url).await?;
            let rows = sqlx::query(SELECT).fetch_all(&pool).await?;
            let effect = |row: sqlx::postgres::PgRow| {
                Ok(Effect {
                    stream: row.try_get(0)?,
                    seq: row.try_get(1)?,
                    event: row.try_get(2)?,
                    replaying: row.try_get(3)?,
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
                    event: row.try_get(2)?,
                    replaying: row.try_get(3)?,
                })
            };
            rows.into_iter().map(effect).collect()
        }
    }
}
