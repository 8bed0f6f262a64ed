//! One consumer group of an app: what an operator does about it.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use super::App;
use crate::backend::{
    Backend, BackendError, GroupState, GroupStatus, Intervention, Parked, QuarantineError, Remedy,
    ResetFrom, ResetScope,
};
use crate::env::Clock;
use crate::reactor::Register;
use crate::stream::{GroupId, IntoStreamId, InvalidName, Position, StreamId};
use crate::table::{TableProjector, table_of_projector};

/// How many parked streams are looked at together.
const PARKED_PAGE: usize = 100;

/// The consumer group of a reactor, to be stopped, started, reset or removed. Made by [`App::group`].
///
/// What it does counts for all processes, and is kept.
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use sourced::backend::ResetFrom;
/// use sourced::prelude::*;
///
/// #[derive(Debug, Default)]
/// struct Door;
///
/// #[actor]
/// impl Door {
///     #[command]
///     fn open(&self) -> Opened {
///         Opened
///     }
///
///     #[event]
///     fn opened(&mut self) {}
/// }
///
/// #[derive(Debug, Default, Serialize, Deserialize)]
/// struct Visits {
///     n: u32,
/// }
///
/// #[projector]
/// impl Visits {
///     #[event]
///     fn opened(&mut self, _: &Opened) {
///         self.n += 1;
///     }
///
///     #[sync]
///     async fn save(&self, tx: &mut Tx<'_>) -> Result<(), Failure> {
///         tx.put("visits", "all", self).await
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let app = App::builder().register::<Door>().register::<Visits>().build().await?;
/// let visits = app.group::<Visits>();
/// visits.stop("the table is about to change").await?;
/// assert!(!visits.state().await?.is_active());
/// // … and when it has changed, everything is projected again.
/// visits.reset(ResetFrom::Beginning).await?;
/// visits.start().await?;
/// # Ok(()) }
/// ```
pub struct GroupRef<R> {
    pub(super) backend: Arc<dyn Backend>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) id: GroupId,
    reactor: PhantomData<fn() -> R>,
}

impl App {
    /// The consumer group of a reactor.
    pub fn group<R: Register>(&self) -> GroupRef<R> {
        self.group_of(R::reactor().group().clone())
    }

    /// The consumer group of this name, whichever program's it is. What only its reactor can do, [`GroupRef::rebuild`], needs
    /// [`App::group`].
    ///
    /// ```
    /// # use sourced::prelude::*;
    /// # #[derive(Debug, Default)] struct Door;
    /// # #[actor] impl Door { #[event] fn opened(&mut self) {} }
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let app = App::builder().register::<Door>().build().await?;
    /// let door = app.group_named("door")?;
    /// assert!(door.state().await?.is_active());
    /// assert!(door.parked(None, 10).await?.is_empty());
    /// assert!(app.group_named("window")?.state().await.is_err());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`InvalidName`] when no group can have it. Whether there is one shows when it is asked for something.
    pub fn group_named(&self, name: impl AsRef<str>) -> Result<GroupRef<()>, InvalidName> {
        Ok(self.group_of(GroupId::new(name)?))
    }

    fn group_of<R>(&self, id: GroupId) -> GroupRef<R> {
        GroupRef {
            backend: Arc::clone(self.backend()),
            clock: Arc::clone(&self.env().clock),
            id,
            reactor: PhantomData,
        }
    }

    /// All consumer groups that the storage knows, by name, and how far they are; those of other programs, too.
    ///
    /// # Errors
    /// [`BackendError`] when the storage does not answer.
    pub async fn groups(&self) -> Result<Vec<GroupStatus>, BackendError> {
        self.backend().groups().await
    }
}

impl<R> GroupRef<R> {
    /// Its name.
    pub fn id(&self) -> &GroupId {
        &self.id
    }

    /// Whether it runs, and since when and why not.
    ///
    /// # Errors
    /// [`BackendError::UnknownGroup`] when it was removed; another one when the storage does not answer.
    pub async fn state(&self) -> Result<GroupState, BackendError> {
        self.backend.group_state(&self.id).await
    }

    /// Handles again what it has handled, from there on, in all streams: events evolve states and projections once more,
    /// but commands are not decided again, nor do reactions dispatch.
    ///
    /// Handlers that run now store nothing any more, so a read model may be emptied after this returned; with the group
    /// stopped before, nobody is quicker.
    ///
    /// # Errors
    /// As [`GroupRef::state`].
    #[doc(alias = "replay")]
    pub async fn reset(&self, from: ResetFrom) -> Result<(), BackendError> {
        let all = ResetScope::All;
        self.backend.reset_group(&self.id, &all, from).await
    }

    /// Empties the table of a table projector and fills it again from the log. Both begin in one transaction: no event is
    /// lost, and none counts twice. Until it is through, readers see a table that fills.
    ///
    /// For table projectors this is what [`GroupRef::reset`] is for others: events that are handled again would meet the
    /// rows that they have made.
    ///
    /// # Errors
    /// As [`GroupRef::state`].
    #[doc(alias = "replay")]
    pub async fn rebuild(&self) -> Result<(), BackendError>
    where
        R: TableProjector,
    {
        let table = table_of_projector::<R>();
        self.backend.rebuild_table(&table, &self.id).await
    }

    /// As [`GroupRef::reset`], in one stream. If it is parked, it is free again.
    ///
    /// # Errors
    /// As [`GroupRef::state`]; [`BackendError::Refused`] when the name is not one of a stream.
    pub async fn reset_stream(
        &self,
        stream: impl IntoStreamId,
        from: ResetFrom,
    ) -> Result<(), BackendError> {
        let stream = stream_id(stream)?;
        let one = ResetScope::Stream(stream);
        self.backend.reset_group(&self.id, &one, from).await
    }

    /// Lets no worker of any process begin anything more for it; what runs may finish. Neither a restart nor a new
    /// version starts it again, only [`GroupRef::start`] does.
    ///
    /// # Errors
    /// As [`GroupRef::state`].
    pub async fn stop(&self, reason: &str) -> Result<(), BackendError> {
        self.backend.stop_group(&self.id, reason).await
    }

    /// Lets it go on where it was.
    ///
    /// # Errors
    /// As [`GroupRef::state`].
    pub async fn start(&self) -> Result<(), BackendError> {
        self.backend.start_group(&self.id).await
    }

    /// A page of its parked streams, with what failed: at most `limit`, after the stream that the page before ended with.
    ///
    /// # Errors
    /// As [`GroupRef::state`].
    #[doc(alias = "dead letter")]
    pub async fn parked(
        &self,
        after: Option<&StreamId>,
        limit: usize,
    ) -> Result<Vec<Parked>, BackendError> {
        self.backend.parked(&self.id, after, limit).await
    }

    /// Lets a parked stream go on where it is, with as many attempts as at first. That and why is recorded:
    /// [`GroupRef::retried`].
    ///
    /// # Errors
    /// [`QuarantineError::NotParked`] when it is not parked, perhaps because somebody was faster.
    pub async fn retry_parked(
        &self,
        stream: impl IntoStreamId,
        reason: &str,
    ) -> Result<(), QuarantineError> {
        let stream = stream_id(stream)?;
        self.backend.retry_parked(&self.id, &stream, reason).await
    }

    /// Lets all of its parked streams go on, as [`GroupRef::retry_parked`] does with one: when what they all failed by is
    /// repaired. Gives how many there were.
    ///
    /// # Errors
    /// As [`GroupRef::state`]. Some streams may go on then.
    pub async fn retry_all_parked(&self, reason: &str) -> Result<u64, BackendError> {
        let (mut after, mut n_retried) = (None, 0);
        loop {
            let page = self.parked(after.as_ref(), PARKED_PAGE).await?;
            for parked in &page {
                let retried = self.backend.retry_parked(&self.id, &parked.stream, reason);
                match retried.await {
                    Ok(()) => n_retried += 1,
                    Err(QuarantineError::Backend(error)) => return Err(error),
                    // Somebody was faster.
                    Err(_) => {}
                }
            }
            match page.into_iter().next_back() {
                Some(last) => after = Some(last.stream),
                None => return Ok(n_retried),
            }
        }
    }

    /// Acknowledges one message without handling it, and records that and why: [`GroupRef::skipped`]. It has to be the
    /// first that waits in its stream, such as the one that [`GroupRef::parked`] names; what comes after it goes on.
    ///
    /// # Errors
    /// [`QuarantineError::NotFirst`] when it is not the first, perhaps because somebody was faster. Nothing is skipped.
    pub async fn skip(
        &self,
        stream: impl IntoStreamId,
        position: Position,
        reason: &str,
    ) -> Result<(), QuarantineError> {
        let stream = stream_id(stream)?;
        self.backend.skip(&self.id, &stream, position, reason).await
    }

    /// A page of the messages that were skipped by people and policies, oldest first: at most `limit`, after the one with
    /// the number `after`.
    ///
    /// # Errors
    /// As [`GroupRef::state`].
    pub async fn skipped(
        &self,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<Intervention>, BackendError> {
        let (id, remedy) = (&self.id, Remedy::Skipped);
        self.backend.interventions(id, remedy, after, limit).await
    }

    /// A page of the parked streams that people let go on, as [`GroupRef::skipped`].
    ///
    /// # Errors
    /// As [`GroupRef::state`].
    pub async fn retried(
        &self,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<Intervention>, BackendError> {
        let (id, remedy) = (&self.id, Remedy::Retried);
        self.backend.interventions(id, remedy, after, limit).await
    }

    /// Forgets it with all its progress. Workers of a program that still registers it find no work at all then, so this
    /// is for groups that no running program has any more. Building an app that registers it makes it anew.
    ///
    /// # Errors
    /// As [`GroupRef::state`].
    pub async fn remove(self) -> Result<(), BackendError> {
        self.backend.remove_group(&self.id).await
    }
}

fn stream_id(stream: impl IntoStreamId) -> Result<StreamId, BackendError> {
    let stream = stream.into_stream_id();
    stream.map_err(|error| BackendError::Refused(Box::new(error)))
}

impl<R> fmt::Debug for GroupRef<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GroupRef")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}
