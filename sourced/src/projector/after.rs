//! What a projector does after the commit.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use futures_util::future::BoxFuture;

use super::Projector;
use crate::failure::Failure;
use crate::reactor::{Afterwards, Context, Services, guarded};

/// Does something about what was saved. `#[after_sync]` methods write this.
pub trait AfterSync: Projector {
    /// Does it, on the state as it was saved.
    fn after_sync(&self, cx: &Context) -> impl Future<Output = Result<(), Failure>> + Send;
}

pub(super) type Row<P> = for<'a> fn(&'a P, &'a Context) -> BoxFuture<'a, Result<(), Failure>>;

pub(super) fn row<'a, P: AfterSync>(
    state: &'a P,
    cx: &'a Context,
) -> BoxFuture<'a, Result<(), Failure>> {
    Box::pin(state.after_sync(cx))
}

/// Where the state is that a transaction saves. It is empty until it is known.
pub(super) type Saved<P> = Arc<Mutex<Option<Arc<P>>>>;

pub(super) fn saved<P>(saved: &Saved<P>) -> MutexGuard<'_, Option<Arc<P>>> {
    saved.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Calls the row of a projector when the transaction has committed.
pub(super) struct AfterCommit<P> {
    pub(super) row: Row<P>,
    pub(super) saved: Saved<P>,
    pub(super) cx: Context,
}

#[async_trait]
impl<P: Projector> Afterwards for AfterCommit<P> {
    async fn run(&self, _: &Services) {
        let Some(state) = saved(&self.saved).take() else {
            return;
        };
        if let Err(failure) = guarded((self.row)(&state, &self.cx)).await {
            tracing::warn!(projector = P::NAME, stream = %self.cx.stream_id(), error = %failure.chain(), "what comes after the commit failed, and is not tried again");
        }
    }
}

impl<P: Projector> fmt::Debug for AfterCommit<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AfterCommit")
            .field("projector", &P::NAME)
            .finish_non_exhaustive()
    }
}
