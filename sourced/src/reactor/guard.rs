//! A panic in a handler is a failure of its message, not of the worker.

use std::any::Any;
use std::panic::AssertUnwindSafe;

use futures_util::FutureExt as _;

use crate::failure::Failure;

/// Runs user code; a panic becomes a [`Failure`] that says so.
///
/// What the code was changing may be half changed afterwards, so whoever calls this throws that state away.
pub(crate) async fn guarded<T>(
    code: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    match AssertUnwindSafe(code).catch_unwind().await {
        Ok(result) => result,
        Err(panic) => Err(Failure::msg(format!(
            "the handler panicked: {}",
            text(&*panic)
        ))),
    }
}

fn text(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without a text")
}
