//! Group commit: appends of this process that come while others are under way are stored together, in one transaction
//! with one wait for the disk.
//!
//! Nobody waits for a group to fill up: an append that finds nobody under way goes alone, by itself, and those that come
//! meanwhile are taken by a task at once, as many as there are by then. A group neither fails an append for what
//! another one did, nor waits for a stream that somebody holds: whatever is not plainly stored or in conflict is left to
//! its writer, who tries it alone.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use sourced::backend::{AppendError, Appended, StreamAppend};
use sourced::{Seq, StreamId};
use sqlx::Row as _;
use sqlx::postgres::PgRow;
use tokio::sync::oneshot;

use crate::append::{Appends, Arrays, read_places};
use crate::backend::{Attempt, Postgres, Retry};
use crate::connecting::in_step;

/// Groups under way at once: the next one is built while the disk is busy with the one before.
const GROUPS: usize = 2;
/// Appends in one group.
const MEMBERS: usize = 64;

/// What became of an append in its group, if that is known for certain.
type Outcome = Result<Vec<Appended>, AppendError>;

/// The appends that wait for a group.
#[derive(Debug, Default)]
pub(crate) struct GroupCommit(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    is_somebody_alone: bool,
    groups: usize,
    waiting: Vec<Waiting>,
    /// Those of the waiting appends: a group has each stream once.
    streams: HashSet<StreamId>,
}

#[derive(Debug)]
struct Waiting {
    append: StreamAppend,
    /// Dropped without an answer, its writer tries alone.
    answer: oneshot::Sender<Outcome>,
}

impl GroupCommit {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How an append is to be stored.
enum Way<'g> {
    Alone(#[expect(dead_code, reason = "it is held")] Option<Alone<'g>>),
    Together(oneshot::Receiver<Outcome>),
}

/// Held by the one who went alone while nobody was under way.
struct Alone<'g>(&'g GroupCommit);

impl Drop for Alone<'_> {
    fn drop(&mut self) {
        self.0.state().is_somebody_alone = false;
    }
}

impl Postgres {
    /// Stores checked appends, with those of others if that helps.
    pub(crate) async fn append_checked(&self, appends: Appends) -> Outcome {
        let way = match appends.as_small() {
            Some(append) => self.way_of(append),
            None => Way::Alone(None),
        };
        if let Way::Together(answer) = way {
            if let Ok(outcome) = answer.await {
                return outcome;
            }
            return self.append_alone(&appends).await;
        }
        self.append_alone(&appends).await
    }

    fn way_of(&self, append: &StreamAppend) -> Way<'_> {
        let group_commit = &self.inner.group_commit;
        let mut state = group_commit.state();
        if state.groups == 0 && !state.is_somebody_alone {
            state.is_somebody_alone = true;
            return Way::Alone(Some(Alone(group_commit)));
        }
        if !state.streams.insert(append.stream.clone()) {
            // The database brings those to one stream into an order.
            return Way::Alone(None);
        }
        let (answer, answered) = oneshot::channel();
        let append = append.clone();
        state.waiting.push(Waiting { append, answer });
        if state.groups < GROUPS {
            state.groups += 1;
            drop(state);
            self.start_group();
        }
        Way::Together(answered)
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the connections live on tokio; and a group must not end with the caller who began it"
    )]
    fn start_group(&self) {
        let groups = Groups(self.clone());
        tokio::spawn(async move { groups.store_all().await });
    }
}

/// Stores one group after the other, until nobody waits any more.
struct Groups(Postgres);

impl Groups {
    async fn store_all(self) {
        while let Some(group) = self.next() {
            self.0.store_group(group).await;
        }
    }

    /// The next group, without those whose callers have gone.
    ///
    /// Whoever comes between the end of this and the drop is told to try alone.
    fn next(&self) -> Option<Vec<Waiting>> {
        let mut state = self.0.inner.group_commit.state();
        let n = state.waiting.len().min(MEMBERS);
        let mut group: Vec<Waiting> = state.waiting.drain(..n).collect();
        for member in &group {
            state.streams.remove(&member.append.stream);
        }
        group.retain(|member| !member.answer.is_closed());
        (n > 0).then_some(group)
    }
}

impl Drop for Groups {
    fn drop(&mut self) {
        let mut state = self.0.inner.group_commit.state();
        state.groups -= 1;
        if state.groups == 0 {
            // Nobody is left to take them, if this one was stopped in between.
            state.waiting.clear();
            state.streams.clear();
        }
    }
}

impl Postgres {
    async fn store_group(&self, mut group: Vec<Waiting>) {
        if group.is_empty() {
            return;
        }
        group.sort_by(|a, b| a.append.stream.cmp(&b.append.stream));
        let outcomes = match self.group_once(&group).await {
            Ok(outcomes) => outcomes,
            Err(error) => {
                // Nobody knows whose fault it is, or what was stored: each finds out by its own ids.
                tracing::debug!(%error, appends = group.len(), "a group of appends is tried one by one");
                return;
            }
        };
        if outcomes.iter().flatten().any(Result::is_ok) {
            self.inner.hints.raise();
        }
        for (member, outcome) in group.into_iter().zip(outcomes) {
            if let Some(outcome) = outcome {
                // A caller that has gone does not want to know.
                _ = member.answer.send(outcome);
            }
        }
    }

    async fn group_once(&self, group: &[Waiting]) -> Attempt<Vec<Option<Outcome>>> {
        let mut arrays = Arrays::default();
        for (ordinal, member) in group.iter().enumerate() {
            arrays.push_stream(&member.append);
            arrays.push_messages(ordinal, &member.append);
        }
        let mut connection = self.connection(&Retry::default()).await?;
        let query = self.inner.sql.append_group.query();
        let query = arrays.bind(query);
        let row: Attempt<PgRow> =
            in_step!(self, &mut connection, step => query.fetch_one(&mut *step).await);
        connection.rests(&self.inner.connections, &row);
        let row = row?;
        let bases: Vec<Option<i64>> = row.try_get("bases")?;
        let actuals: Option<Vec<Option<i64>>> = row.try_get("actuals")?;
        let positions: Vec<Option<i64>> = row.try_get("positions")?;
        let mut positions = positions.into_iter().flatten();
        let mut outcomes = Vec::with_capacity(group.len());
        for (nth, member) in group.iter().enumerate() {
            let append = &member.append;
            let actual = || actuals.as_ref()?.get(nth).copied().flatten();
            outcomes.push(match bases.get(nth).copied().flatten() {
                Some(base) => {
                    let mut appended = Vec::with_capacity(append.messages.len());
                    read_places(append, base, &mut positions, &mut appended)?;
                    Some(Ok(appended))
                }
                None => actual().map(|actual| {
                    Err(AppendError::Conflict {
                        stream: append.stream.clone(),
                        expected: append.expected,
                        actual: u64::try_from(actual).ok().and_then(Seq::new),
                    })
                }),
            });
        }
        Ok(outcomes)
    }
}
