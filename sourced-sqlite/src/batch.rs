//! What shares a transaction of the writer, and telling everybody what became of their part.

use std::panic::AssertUnwindSafe;

use async_trait::async_trait;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use sourced::backend::{Ack, BackendError, RowsWanted};
use sqlx::sqlite::SqliteConnection;
use tokio::sync::oneshot;

use crate::draft::{Outcome, Plain};

/// How much a job's effects matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// They survive a power cut once the caller has its answer, and others may be waiting for them.
    Lasting,
    /// They can be worked out again from the log, such as claims: no fsync is spent on them alone.
    Redone,
}

/// What somebody wants to be written.
pub(crate) enum Order {
    Store(PlainJob),
    Change(Box<RowsJob>),
    Work(Box<dyn Job>),
}

pub(crate) struct PlainJob {
    pub(crate) plain: Plain,
    pub(crate) reply: oneshot::Sender<Outcome>,
}

/// An acknowledgement whose sync actions read these rows, and that stores no messages.
pub(crate) struct RowsJob {
    pub(crate) ack: Ack,
    pub(crate) wanted: RowsWanted,
    /// The end of its claim.
    pub(crate) plain: Plain,
    pub(crate) reply: oneshot::Sender<Outcome>,
}

#[async_trait]
pub(crate) trait Job: Send {
    fn effect(&self) -> Effect;
    /// Does the work and keeps the outcome for [`Job::answer`]. The result says whether the effects are to be kept.
    async fn run(&mut self, connection: &mut SqliteConnection) -> Verdict;
    /// Tells the caller: its own outcome, or why the transaction failed.
    fn answer(self: Box<Self>, transaction: Result<(), BackendError>);
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Keep,
    RollBack,
}

pub(crate) struct TypedJob<T, E, F> {
    effect: Effect,
    work: Option<F>,
    outcome: Option<Result<T, E>>,
    reply: oneshot::Sender<Result<T, E>>,
}

impl<T, E, F> TypedJob<T, E, F> {
    pub(crate) fn new(effect: Effect, work: F, reply: oneshot::Sender<Result<T, E>>) -> Self {
        Self {
            effect,
            work: Some(work),
            outcome: None,
            reply,
        }
    }
}

#[async_trait]
impl<T, E, F> Job for TypedJob<T, E, F>
where
    F: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<T, E>> + Send,
    T: Send,
    E: From<BackendError> + Send,
{
    fn effect(&self) -> Effect {
        self.effect
    }

    async fn run(&mut self, connection: &mut SqliteConnection) -> Verdict {
        let Some(work) = self.work.take() else {
            return Verdict::RollBack;
        };
        let outcome = AssertUnwindSafe(async move { work(connection).await })
            .catch_unwind()
            .await
            .unwrap_or_else(|_| Err(panicked().into()));
        let verdict = match &outcome {
            Ok(_) => Verdict::Keep,
            Err(_) => Verdict::RollBack,
        };
        self.outcome = Some(outcome);
        verdict
    }

    fn answer(self: Box<Self>, transaction: Result<(), BackendError>) {
        let outcome = match (transaction, self.outcome) {
            (Err(error), _) => Err(error.into()),
            (Ok(()), Some(outcome)) => outcome,
            (Ok(()), None) => {
                Err(BackendError::Unavailable("the work was not begun".into()).into())
            }
        };
        // The caller may have gone; its work is done all the same.
        _ = self.reply.send(outcome);
    }
}

/// What shares a transaction.
#[derive(Default)]
pub(crate) struct Batch {
    pub(crate) plain: Vec<PlainJob>,
    pub(crate) rows: Vec<RowsJob>,
    pub(crate) jobs: Vec<Box<dyn Job>>,
}

impl FromIterator<Order> for Batch {
    fn from_iter<I: IntoIterator<Item = Order>>(orders: I) -> Self {
        let mut batch = Self::default();
        for order in orders {
            match order {
                Order::Store(plain) => batch.plain.push(plain),
                Order::Change(rows) => batch.rows.push(*rows),
                Order::Work(job) => batch.jobs.push(job),
            }
        }
        batch
    }
}

impl Batch {
    /// Whether anything of it has to last.
    pub(crate) fn has_lasting(&self) -> bool {
        let has_acks = !self.plain.is_empty() || !self.rows.is_empty();
        has_acks || self.jobs.iter().any(|job| job.effect() == Effect::Lasting)
    }

    /// Tells everybody: the outcomes of what is plain and then of what changes rows, or why the transaction failed.
    pub(crate) fn answer(self, transaction: Result<Vec<Outcome>, BackendError>) {
        let failure = transaction.as_ref().err().map(copy);
        let mut outcomes = transaction.unwrap_or_default().into_iter();
        let plain = self.plain.into_iter().map(|job| job.reply);
        let rows = self.rows.into_iter().map(|job| job.reply);
        for reply in plain.chain(rows) {
            let outcome = match &failure {
                Some(error) => Err(copy(error).into()),
                None => outcomes.next().unwrap_or_else(|| Err(gone().into())),
            };
            // The caller may have gone; what it wanted is done all the same.
            _ = reply.send(outcome);
        }
        for job in self.jobs {
            job.answer(failure.as_ref().map_or(Ok(()), |error| Err(copy(error))));
        }
    }
}

/// Said when the task that writes is not there any more.
pub(crate) fn gone() -> BackendError {
    BackendError::Unavailable("the writing task has ended".into())
}

/// Said to whoever's own code has panicked in the transaction.
pub(crate) fn panicked() -> BackendError {
    BackendError::Refused("the work inside a transaction panicked".into())
}

/// The same error once more, for the next caller.
fn copy(error: &BackendError) -> BackendError {
    match error {
        BackendError::Unavailable(error) => BackendError::Unavailable(error.to_string().into()),
        BackendError::Corrupt(text) => BackendError::Corrupt(text.clone()),
        other => BackendError::Refused(other.to_string().into()),
    }
}
