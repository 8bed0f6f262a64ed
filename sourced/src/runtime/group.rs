//! One consumer group of an app: what an operator does about it.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use super::App;
use crate::backend::{Backend, BackendError, GroupState, ResetFrom, ResetScope};
use crate::reactor::Register;
use crate::stream::{GroupId, IntoStreamId};

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
    backend: Arc<dyn Backend>,
    id: GroupId,
    reactor: PhantomData<fn() -> R>,
}

impl App {
    /// The consumer group of a reactor.
    pub fn group<R: Register>(&self) -> GroupRef<R> {
        GroupRef {
            backend: Arc::clone(self.backend()),
            id: R::reactor().group().clone(),
            reactor: PhantomData,
        }
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

    /// As [`GroupRef::reset`], in one stream. If it is parked, it is free again.
    ///
    /// # Errors
    /// As [`GroupRef::state`]; [`BackendError::Refused`] when the name is not one of a stream.
    pub async fn reset_stream(
        &self,
        stream: impl IntoStreamId,
        from: ResetFrom,
    ) -> Result<(), BackendError> {
        let stream = stream.into_stream_id();
        let stream = stream.map_err(|error| BackendError::Refused(Box::new(error)))?;
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

    /// Forgets it with all its progress. Workers of a program that still registers it find no work at all then, so this
    /// is for groups that no running program has any more. Building an app that registers it makes it anew.
    ///
    /// # Errors
    /// As [`GroupRef::state`].
    pub async fn remove(self) -> Result<(), BackendError> {
        self.backend.remove_group(&self.id).await
    }
}

impl<R> fmt::Debug for GroupRef<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GroupRef")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}
