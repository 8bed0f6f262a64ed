//! A panic in a handler is a failure of its message, not of the worker.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::FutureExt as _;

use super::{Batch, Handled, Reactor};
use crate::backend::{BackendError, SyncAction, Tx};
use crate::failure::Failure;

/// Lets a reactor handle a batch; a panic, as a hand-written one may let through, is a failure of the first message.
pub(crate) async fn handle_guarded(
    reactor: &dyn Reactor,
    batch: &Batch<'_>,
) -> Result<Handled, BackendError> {
    let handling = async { Ok(reactor.handle(batch).await) };
    let handled = guarded(handling).await.unwrap_or_else(|failure| {
        Ok(Handled {
            failure: Some(failure),
            ..Handled::default()
        })
    });
    handled.map(|mut handled| {
        for sync in &mut handled.syncs {
            *sync = Arc::new(GuardedSync(Arc::clone(sync)));
        }
        handled
    })
}

#[derive(Debug)]
struct GuardedSync(Arc<dyn SyncAction>);

#[async_trait]
impl SyncAction for GuardedSync {
    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Failure> {
        guarded(self.0.run(tx)).await
    }
}

/// Runs user code; a panic becomes a [`Failure`] that says so.
///
/// What the code was changing may be half changed afterwards, so whoever calls this throws that state away.
pub(crate) async fn guarded<T>(
    code: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    match AssertUnwindSafe(code).catch_unwind().await {
        Ok(result) => result,
        Err(panic) => Err(Panicked(text(&*panic).to_owned()).into()),
    }
}

/// As [`guarded`], of code that waits for nothing.
pub(crate) fn guarded_now<T>(code: impl FnOnce() -> T) -> Result<T, Failure> {
    catch_unwind(AssertUnwindSafe(code))
        .map_err(|panic| Failure::from(Panicked(text(&*panic).to_owned())))
}

/// A handler panicked. It is inside the [`Failure`] that its message gets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the handler panicked: {0}")]
pub struct Panicked(pub String);

fn text(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without a text")
}
