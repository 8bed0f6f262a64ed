//! Recurring messages: what is sent at each tick, and how far each has come.

use std::fmt;

use super::{App, BuildError, DispatchError};
use crate::actor::{Outgoing, Parcel};
use crate::backend::{BackendError, ExpectedSeq, Progress, StreamAppend};
use crate::message::Tick;
use crate::recurrence::{Recurrence, count};
use crate::stream::RecurrenceId;
use crate::time::Timestamp;

/// Makes the command of a tick.
pub(super) type Make = Box<dyn Fn(&Tick) -> Outgoing + Send + Sync>;

/// What recurs, when, and what is sent then.
pub(super) struct Recipe {
    pub(super) id: RecurrenceId,
    pub(super) recurrence: Recurrence,
    pub(super) make: Make,
}

/// How far a recurrence of the app has come. Given by [`App::recurring`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Recurring {
    /// Its name.
    pub id: RecurrenceId,
    /// Its rule, as text.
    pub rule: String,
    /// The last tick that was made.
    pub last: Option<Timestamp>,
    /// The next tick to come, by the storage's clock.
    pub next: Option<Timestamp>,
    /// How many ticks should have been made and are not: because no process runs, or because making one fails. As with
    /// [`Tick::missed`], at most [`Tick::MOST_MISSED`] are counted.
    pub overdue: u32,
}

impl App {
    /// Lists what recurs, in the order in which it was said, and how far each has come.
    ///
    /// # Errors
    /// [`BackendError`] when the storage does not answer.
    pub async fn recurring(&self) -> Result<Vec<Recurring>, BackendError> {
        let mut all = Vec::new();
        for recipe in &self.inner.recurring {
            let seen = self.backend().progress(&recipe.id).await?;
            let recurrence = &recipe.recurrence;
            let rule = recurrence.rule();
            let settled = match &seen.progress {
                // The rule is another one than that of the last tick, and nobody has started with it yet.
                Some(progress) if progress.rule == rule => settled(progress, progress.since),
                _ => seen.now,
            };
            all.push(Recurring {
                id: recipe.id.clone(),
                rule,
                last: seen.progress.and_then(|progress| progress.last),
                next: recurrence.after(seen.now.max(settled)),
                overdue: count(recurrence, settled, seen.now),
            });
        }
        Ok(all)
    }

    /// Sees whether the command of a recurrence could be dispatched, before it has to be.
    pub(super) fn rehearse(&self, recipe: &Recipe) -> Result<(), BuildError> {
        let id = || recipe.id.clone();
        let Some(at) = recipe.recurrence.after(self.env().clock.now()) else {
            let rule = recipe.recurrence.rule();
            return Err(BuildError::NeverRecurs { id: id(), rule });
        };
        let tick = Tick::new(id(), at, 0);
        match self.append_of(recipe, &tick) {
            Ok(_) => Ok(()),
            Err(error) => Err(BuildError::Recurrence { id: id(), error }),
        }
    }

    /// The command of a tick, as it is to be stored.
    pub(super) fn append_of(
        &self,
        recipe: &Recipe,
        tick: &Tick,
    ) -> Result<StreamAppend, DispatchError> {
        let command = (recipe.make)(tick).with_id(tick.message_id());
        let (stream, Parcel { at, message, .. }) = self.parcel(command)?;
        if at.is_some() {
            return Err(DispatchError::IsForLater(message.type_name));
        }
        let metadata = message.metadata.clone().with_tick(tick);
        Ok(StreamAppend {
            stream,
            expected: ExpectedSeq::Any,
            messages: vec![crate::message::NewMessage {
                metadata,
                ..message
            }],
        })
    }
}

/// The time up to which all ticks were made or passed over, for a rule that counts from `since`.
pub(super) fn settled(progress: &Progress, since: Timestamp) -> Timestamp {
    progress.last.map_or(since, |last| last.max(since))
}

impl fmt::Debug for Recipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recipe")
            .field("id", &self.id)
            .field("recurrence", &self.recurrence)
            .finish_non_exhaustive()
    }
}
