//! A table projection in its versions: which one is live, and changing that.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use super::App;
use super::swapping::Attempts;
use crate::backend::{Backend, BackendError, Live, Swap, Swapped, Table};
use crate::env::Clock;
use crate::reactor::Reactor;
use crate::table::{TableProjector, group_of_version, table_of_projector};

/// A table projection in its versions. Made by [`App::projection`].
///
/// Version 2 of a projector (`#[projector(version = 2)]`) has a table and a consumer group of its own, and fills its table
/// beside the one that is live, until it has handled all that the live one has. Then it is live: `App::rows` reads it, and
/// the group of the other one is stopped, whose table stays as it is.
///
/// ```
/// use sourced::prelude::*;
///
/// #[event("todo.added")]
/// pub struct TodoAdded {
///     pub todo_id: u64,
/// }
///
/// #[derive(Debug, Projection)]
/// pub struct Todo {
///     #[key]
///     todo_id: u64,
///     is_urgent: bool,
/// }
///
/// #[projector(version = 2)]
/// impl Todo {
///     #[event]
///     fn added(event: &TodoAdded) -> Self {
///         Self { todo_id: event.todo_id, is_urgent: event.todo_id < 10 }
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let app = App::builder().register::<Todo>().build().await?;
/// // Nobody has a version 1 here, so there is nothing to wait for.
/// assert!(app.projection::<Todo>().is_live().await?);
/// # Ok(()) }
/// ```
pub struct ProjectionRef<P> {
    backend: Arc<dyn Backend>,
    clock: Arc<dyn Clock>,
    of: PhantomData<fn() -> P>,
}

impl App {
    /// A table projection in its versions.
    pub fn projection<P: TableProjector>(&self) -> ProjectionRef<P> {
        ProjectionRef {
            backend: Arc::clone(self.backend()),
            clock: Arc::clone(&self.env().clock),
            of: PhantomData,
        }
    }
}

impl<P: TableProjector> ProjectionRef<P> {
    /// The version of this program.
    pub fn version(&self) -> u32 {
        P::VERSION
    }

    /// The version that queries read, whichever program asks.
    ///
    /// # Errors
    /// [`BackendError`] when the storage does not answer.
    pub async fn live_version(&self) -> Result<u32, BackendError> {
        Ok(self.live().await?.version)
    }

    /// Whether the version of this program is the one that queries read.
    ///
    /// # Errors
    /// [`BackendError`] when the storage does not answer.
    pub async fn is_live(&self) -> Result<bool, BackendError> {
        Ok(self.live_version().await? == P::VERSION)
    }

    /// Makes the version of this program live, if it has handled all that the live one has: [`Swapped::Behind`] otherwise,
    /// and nothing is changed. If it is near, it is waited for: the live one is held for up to a second, unless it was
    /// lately. Workers try this for a newer version than the live one until it is done; by hand it is for
    /// [`ReactorOptions::swap_by_hand`](crate::ReactorOptions::swap_by_hand), for an older version, and for one that was
    /// rolled back.
    ///
    /// An older version goes on where it was stopped, from the first call on.
    ///
    /// # Errors
    /// [`BackendError::UnknownGroup`] when this version was forgotten; another one when the storage does not answer.
    pub async fn swap(&self) -> Result<Swapped, BackendError> {
        let seen = self.live().await?;
        if seen.version == P::VERSION {
            return Ok(Swapped::Done);
        }
        let swap = Self::to(P::VERSION, seen);
        if P::VERSION < seen.version && !self.backend.group_state(&swap.to).await?.is_active() {
            self.backend.start_group(&swap.to).await?;
        }
        let mut attempts = Attempts::default();
        let never = || false;
        attempts
            .swap(&*self.backend, &*self.clock, &swap, never)
            .await
    }

    /// Makes the version live that was so before the last swap, at once and as it is, and starts its group: what came after
    /// the swap is in it when a program with that version has handled it. Nothing is lost nor counted twice, but until then
    /// queries see an older state. The version that was live goes on beside it, and is not made live again but by
    /// [`ProjectionRef::swap`] or as a newer version.
    ///
    /// Says which version is live now.
    ///
    /// # Errors
    /// [`BackendError::Refused`] when there is none to go back to, or somebody else has just changed what is live;
    /// [`BackendError::UnknownGroup`] when its group was removed.
    pub async fn roll_back(&self) -> Result<u32, BackendError> {
        let seen = self.live().await?;
        let Some(previous) = seen.previous else {
            let text = format!(
                "no version of `{}` was live before version {}",
                P::TABLE,
                seen.version
            );
            return Err(BackendError::Refused(text.into()));
        };
        match self.backend.roll_back(&Self::to(previous, seen)).await? {
            Swapped::Done | Swapped::Behind => Ok(previous),
            Swapped::Moved => {
                let text = format!(
                    "somebody else has changed which version of `{}` is live",
                    P::TABLE
                );
                Err(BackendError::Refused(text.into()))
            }
        }
    }

    /// Removes the table of a version that is not live, and its group, in one transaction. [`ProjectionRef::roll_back`] does
    /// not lead to it any more.
    ///
    /// # Errors
    /// [`BackendError::Refused`] when it is live.
    pub async fn forget_version(&self, version: u32) -> Result<(), BackendError> {
        let table = Table {
            version,
            ..table_of_projector::<P>()
        };
        let group = group_of_version(P::NAME, version);
        if self.backend.forget(&table, &group).await? {
            return Ok(());
        }
        let text = format!("version {version} of `{}` is live", P::TABLE);
        Err(BackendError::Refused(text.into()))
    }

    async fn live(&self) -> Result<Live, BackendError> {
        let live = self.backend.live(P::TABLE).await?;
        // Whoever builds an app with it enters it.
        Ok(live.unwrap_or(Live::first(1)))
    }

    fn to(version: u32, seen: Live) -> Swap {
        swap(P::TABLE, P::NAME, version, seen)
    }
}

/// The swap of the version of a reactor, and of the one that is live.
pub(super) fn swap_of(reactor: &dyn Reactor, seen: Live) -> Option<Swap> {
    let (table, name) = (reactor.table()?, reactor.projection()?);
    Some(swap(table.name, name, table.version, seen))
}

fn swap(table: &'static str, name: &str, version: u32, seen: Live) -> Swap {
    Swap {
        table,
        seen,
        from: group_of_version(name, seen.version),
        version,
        to: group_of_version(name, version),
    }
}

impl<P: TableProjector> fmt::Debug for ProjectionRef<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProjectionRef")
            .field("table", &P::TABLE)
            .field("version", &P::VERSION)
            .finish_non_exhaustive()
    }
}
