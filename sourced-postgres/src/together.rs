//! Acknowledgements that arrive at the same time, in one transaction: one round trip and one wait for the disk.
//!
//! It is tried once. Whatever stands against one of them (its fence, a conflict, a lock that somebody keeps) undoes the
//! transaction, and then each is made alone, at the same time as the others; so none of them answers for another. Only where
//! it shows before anything is written which of them it is, the others are tried together once more.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sourced::backend::{
    Ack, AckError, Acked, BackendError, Claim, ClaimKey, Claims as _, Delivery, DocumentWrites,
    Epoch, GoOn, Rehearsals, Rehearsed, Room, RowsWanted,
};
use sourced::{MessageId, NewMessage, StoredMessage};
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::{Connection as _, PgConnection, Row as _};
use tokio::sync::oneshot;

use crate::ack::Trouble;
use crate::append::{Appends, Stored};
use crate::backend::{Postgres, Retry};
use crate::claims::micros;
use crate::connecting::in_step;
use crate::row::{clamped, readable};
use crate::staging::{self, Misfits};

/// Acknowledgements of one transaction: a bound for how long the first of them waits for the others.
const MOST: usize = 256;
/// Transactions at the same time. While these are under way, what arrives is gathered for the next one.
const TRANSACTIONS: usize = 2;

/// The acknowledgements of this process.
#[derive(Debug, Default)]
pub(crate) struct Together {
    rehearsals: Rehearsals,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    waiting: Vec<Waiting>,
    n_transactions: usize,
    /// Whether one of them changes rows. It is the only one: another one might wait for the same rows.
    has_rows: bool,
}

/// One that waits for its transaction.
#[derive(Debug)]
struct Waiting {
    acking: Acking,
    answer: oneshot::Sender<(Acking, Outcome)>,
}

/// An acknowledgement with its appends checked, and with the documents that its sync actions write or the rows that they
/// read.
#[derive(Debug)]
struct Acking {
    ack: Ack,
    appends: Appends,
    writes: DocumentWrites,
    rows: Option<RowsWanted>,
    next: Option<GoOn>,
}

#[derive(Debug)]
enum Outcome {
    Stored(Stored, Vec<Delivery>),
    /// Nothing was stored, and it is to be made alone.
    Refused,
    /// The connection was lost, or did not answer: it may be stored or not.
    InDoubt,
}

impl Postgres {
    /// Acknowledges together with what others acknowledge now, if it can be.
    pub(crate) async fn acknowledge_together(
        &self,
        mut ack: Ack,
        next: Option<GoOn>,
    ) -> Result<Acked, AckError> {
        let appends = std::mem::take(&mut ack.appends);
        let appends = Appends::checked(appends, &ack.schedules, &self.inner.limits)?;
        // Moving the lane of the whole log is not known to those that move many.
        let is_of_log = ack.claim.stream.is_log();
        let rehearsed = self.inner.together.rehearse(&ack);
        let (writes, rows) = match rehearsed.filter(|_| !is_of_log) {
            Some(Rehearsed::Writes(writes)) => (writes, None),
            Some(Rehearsed::Rows(rows)) => (DocumentWrites::new(), Some(rows)),
            None => return self.alone(&ack, &appends, Retry::default()).await,
        };
        let acking = Acking {
            ack,
            appends,
            writes,
            rows,
            next,
        };
        let (answer, answered) = oneshot::channel();
        self.hand_over(Waiting { acking, answer });
        let gone = |_| BackendError::Unavailable("the acknowledging task has ended".into());
        let (acking, outcome) = answered.await.map_err(gone)?;
        let Acking { ack, appends, .. } = &acking;
        match outcome {
            Outcome::Stored(stored, deliveries) => {
                self.inner.hints.raise();
                Ok(Acked {
                    appended: appends.placed(&stored)?,
                    next: (!deliveries.is_empty()).then(|| Claim {
                        key: key_after(&ack.claim),
                        deliveries,
                        attempts: 0,
                        failing_for: Duration::ZERO,
                    }),
                })
            }
            Outcome::Refused => self.alone(ack, appends, Retry::default()).await,
            Outcome::InDoubt => {
                let acked = self.alone(ack, appends, Retry::of_a_lost_one()).await?;
                if acking.next.is_some() {
                    // It may have gone on, and nobody knows with what. Else this is refused.
                    _ = self.release(&key_after(&ack.claim)).await;
                }
                Ok(acked)
            }
        }
    }

    async fn alone(&self, ack: &Ack, appends: &Appends, retry: Retry) -> Result<Acked, AckError> {
        Ok(Acked {
            appended: self.acknowledge(ack, appends, None, retry).await?,
            next: None,
        })
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "a transaction belongs to all who wait for it, not to the first; and real I/O lives on tokio"
    )]
    fn hand_over(&self, waiting: Waiting) {
        let mut state = self.inner.together.lock();
        let has_to_wait = state.has_rows && waiting.acking.rows.is_some();
        state.waiting.push(waiting);
        if state.n_transactions < TRANSACTIONS && !has_to_wait {
            state.n_transactions += 1;
            let postgres = self.clone();
            tokio::spawn(async move { postgres.acknowledge_waiting().await });
        }
    }

    /// One transaction after the other, until nobody waits.
    async fn acknowledge_waiting(self) {
        let mut turn = Turn::of(&self.inner.together);
        while let Some(waiting) = turn.next() {
            let (ackings, answers): (Vec<_>, Vec<_>) = waiting
                .into_iter()
                .map(|waiting| (waiting.acking, waiting.answer))
                .unzip();
            let outcomes = self.store_all(&ackings).await;
            let both = ackings.into_iter().zip(answers).zip(outcomes);
            for ((acking, answer), outcome) in both {
                // Whoever gave up waiting has it stored all the same, or not at all.
                _ = answer.send((acking, outcome));
            }
        }
    }

    async fn store_all(&self, ackings: &[Acking]) -> Vec<Outcome> {
        let all: Vec<&Acking> = ackings.iter().collect();
        let mut outcomes = match self.try_all(&all).await {
            Ok(Tried::Misfits(misfits)) => {
                let fits = |place: &usize| !misfits.contains(place);
                let places: Vec<usize> = (0..ackings.len()).filter(fits).collect();
                let others: Vec<&Acking> = places.iter().map(|place| &ackings[*place]).collect();
                let outcomes = outcomes_of(self.try_all(&others).await, others.len());
                places.into_iter().zip(outcomes).collect()
            }
            tried => outcomes_of(tried, ackings.len())
                .into_iter()
                .enumerate()
                .collect::<BTreeMap<_, _>>(),
        };
        let outcome = |place| outcomes.remove(&place).unwrap_or(Outcome::Refused);
        (0..ackings.len()).map(outcome).collect()
    }

    /// In one call of the database, which is a transaction of its own where there are no rows to change.
    async fn try_all(&self, ackings: &[&Acking]) -> Result<Tried, Trouble> {
        let keys = || ackings.iter().map(|acking| &acking.ack.claim);
        let text = |of: fn(&ClaimKey) -> &str| keys().map(of).collect::<Vec<_>>();
        let workers: Vec<_> = keys().map(|key| key.worker.as_uuid()).collect();
        let epochs: Vec<i64> = keys().map(|key| clamped(key.epoch.get())).collect();
        let uptos: Vec<i64> = ackings
            .iter()
            .map(|acking| clamped(acking.ack.upto.get()))
            .collect();
        let refusals = || ackings.iter().flat_map(|acking| &acking.ack.refusals);
        let refused: Vec<_> = refusals()
            .map(|refusal| refusal.command.as_uuid())
            .collect();
        let reasons: Vec<_> = refusals()
            .map(|refusal| readable(&refusal.reason))
            .collect();
        // The last write of a document stays.
        let writes: BTreeMap<_, _> = ackings.iter().flat_map(|acking| &acking.writes).collect();
        let collections: Vec<&str> = writes.keys().map(|(collection, _)| &**collection).collect();
        let keys_of_documents: Vec<&str> = writes.keys().map(|(_, key)| &**key).collect();
        let values: Vec<Option<&str>> = writes
            .values()
            .map(|value| value.as_ref().map(sourced::Payload::as_str))
            .collect();
        let appends = Appends::all(ackings.iter().map(|acking| &acking.appends));
        let acks = acks_of_appends(ackings, &appends);
        let leases: Vec<i64> = ackings
            .iter()
            .map(|acking| acking.next.map_or(0, |next| micros(next.lease)))
            .collect();
        let arrays = appends.arrays();
        let query = self
            .inner
            .sql
            .ack_all
            .query()
            .bind(text(|key| key.group.as_str()))
            .bind(text(|key| key.stream.as_str()))
            .bind(&workers[..])
            .bind(&epochs[..])
            .bind(&uptos[..])
            .bind(&leases[..])
            .bind(&acks[..])
            .bind(&refused[..])
            .bind(&reasons[..])
            .bind(&collections[..])
            .bind(&keys_of_documents[..])
            .bind(&values[..]);
        let query = arrays.bind(query);
        let mut connection = self.connection(&Retry::default()).await?;
        let has_rows = ackings.iter().any(|acking| acking.rows.is_some());
        let done: Result<(PgRow, Misfits), Trouble> = in_step!(self, &mut connection, step => {
            if has_rows {
                self.store_with_rows(&mut step, query, ackings).await
            } else {
                let row = query.fetch_one(&mut *step).await;
                row.map(|row| (row, Misfits::new())).map_err(Trouble::from)
            }
        });
        connection.rests(&self.inner.connections, &done);
        drop(connection);
        let (row, misfits) = done?;
        if !misfits.is_empty() {
            return Ok(Tried::Misfits(misfits));
        }
        if appends.is_empty() {
            let nothing = |_| Outcome::Stored(Stored::new(), Vec::new());
            return Ok(Tried::Stored(ackings.iter().map(nothing).collect()));
        }
        let handed_on: Option<Vec<i64>> = row.try_get("handed_on")?;
        let handed_on: HashSet<i64> = handed_on.unwrap_or_default().into_iter().collect();
        // Arrays of the database begin at 1.
        let mut nths = 1..;
        let mut places = appends.read_places(&row)?;
        let mut outcomes = Vec::with_capacity(ackings.len());
        for acking in ackings {
            let mut stored = Stored::new();
            let mut next = HashSet::new();
            for id in acking.appends.ids() {
                let id = MessageId::from(id);
                stored.extend(places.remove_entry(&id));
                if nths.next().is_some_and(|nth| handed_on.contains(&nth)) {
                    next.insert(id);
                }
            }
            let deliveries = acking.deliveries(&stored, &next);
            outcomes.push(Outcome::Stored(stored, deliveries));
        }
        Ok(Tried::Stored(outcomes))
    }

    /// The call, and what the sync actions make of their rows. Nothing is stored where some do not fit.
    async fn store_with_rows(
        &self,
        connection: &mut PgConnection,
        query: Query<'_, sqlx::Postgres, PgArguments>,
        ackings: &[&Acking],
    ) -> Result<(PgRow, Misfits), Trouble> {
        let mut transaction = connection.begin().await?;
        let row = query.fetch_one(&mut *transaction).await?;
        let (sql, rehearsals) = (&self.inner.sql, &self.inner.together.rehearsals);
        let acks = ackings.iter();
        let acks: Vec<_> = acks
            .map(|acking| (&acking.ack, acking.rows.as_ref()))
            .collect();
        let misfits = staging::change_rows(&mut transaction, sql, rehearsals, &acks).await?;
        if misfits.is_empty() {
            transaction.commit().await?;
        } else {
            transaction.rollback().await?;
        }
        Ok((row, misfits))
    }
}

/// What became of those that were tried together.
enum Tried {
    Stored(Vec<Outcome>),
    /// Nothing was stored because of these.
    Misfits(Misfits),
}

/// What became of each when there are no misfits to be left out any more.
fn outcomes_of(tried: Result<Tried, Trouble>, n_acks: usize) -> Vec<Outcome> {
    let outcome = |make: fn() -> Outcome| (0..n_acks).map(|_| make()).collect();
    match tried {
        Ok(Tried::Stored(outcomes)) => outcomes,
        Ok(Tried::Misfits(_)) => outcome(|| Outcome::Refused),
        Err(Trouble::Sql(error)) if error.is_in_doubt() => outcome(|| Outcome::InDoubt),
        Err(trouble) => {
            tracing::debug!(%trouble, n_acks, "each of these acknowledgements is made alone");
            outcome(|| Outcome::Refused)
        }
    }
}

/// For each append, in the order of names, the number of the acknowledgement whose own stream it is to, from 1; 0 where
/// there is none, or it does not want to go on.
fn acks_of_appends(ackings: &[&Acking], all: &Appends) -> Vec<i32> {
    let ordinals = all.ordinals();
    let mut acks = vec![0; ordinals.len()];
    let mut n_before = 0;
    for (nth, acking) in (1..).zip(ackings) {
        let own = acking.next.and(acking.appends.to(&acking.ack.claim.stream));
        if let Some(ordinal) = own.and_then(|(of_its, _)| ordinals.get(n_before + of_its)) {
            acks[*ordinal] = nth;
        }
        n_before += acking.appends.len();
    }
    acks
}

/// The key of the claim that goes on.
fn key_after(claim: &ClaimKey) -> ClaimKey {
    ClaimKey {
        epoch: Epoch::new(claim.epoch.get() + 1),
        ..claim.clone()
    }
}

impl Acking {
    /// The messages with these ids, as they are stored.
    fn deliveries(&self, stored: &Stored, ids: &HashSet<MessageId>) -> Vec<Delivery> {
        let Some((_, append)) = self.appends.to(&self.ack.claim.stream) else {
            return Vec::new();
        };
        let Some(next) = self.next else {
            return Vec::new();
        };
        let mut room = Room::new(next.messages, next.bytes);
        let delivery = |message: &NewMessage| {
            let (stream, place) = stored.get(&message.id)?;
            Some(Delivery {
                message: StoredMessage::stored(
                    message.clone(),
                    stream.clone(),
                    place.seq,
                    place.position,
                ),
                replaying: false,
            })
        };
        let handled = append
            .messages
            .iter()
            .filter(|message| ids.contains(&message.id));
        handled
            .take_while(|message| room.takes(&message.payload, &message.metadata))
            .filter_map(delivery)
            .collect()
    }
}

impl Together {
    /// What is done besides storing messages, when the ack needs no transaction of its own.
    fn rehearse(&self, ack: &Ack) -> Option<Rehearsed> {
        if ack.schedules.is_empty() {
            self.rehearsals.rehearse(ack)
        } else {
            None
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One of the transactions that may run at the same time. Its place is given back when it is dropped in the middle, too.
struct Turn<'t> {
    together: &'t Together,
    has_rows: bool,
    is_over: bool,
}

impl<'t> Turn<'t> {
    fn of(together: &'t Together) -> Self {
        Self {
            together,
            has_rows: false,
            is_over: false,
        }
    }

    /// Those that wait. `None` when nobody does: the turn is over.
    fn next(&mut self) -> Option<Vec<Waiting>> {
        let mut state = self.together.lock();
        self.end_transaction(&mut state);
        let may_change_rows = !state.has_rows;
        let mut next = Vec::new();
        let mut later = Vec::new();
        for waiting in state.waiting.drain(..) {
            let has_rows = waiting.acking.rows.is_some();
            if next.len() < MOST && (may_change_rows || !has_rows) {
                self.has_rows |= has_rows;
                next.push(waiting);
            } else {
                later.push(waiting);
            }
        }
        state.waiting = later;
        state.has_rows |= self.has_rows;
        if next.is_empty() {
            // Under the same lock, so that whoever comes next begins a turn.
            state.n_transactions -= 1;
            self.is_over = true;
            return None;
        }
        Some(next)
    }

    fn end_transaction(&mut self, state: &mut State) {
        if std::mem::take(&mut self.has_rows) {
            state.has_rows = false;
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if !self.is_over {
            let together = self.together;
            let mut state = together.lock();
            self.end_transaction(&mut state);
            state.n_transactions -= 1;
        }
    }
}
