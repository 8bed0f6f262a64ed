//! **A success after the end.** Who cancels gets the money back.
//!
//! - Wrong: cancelling pays back what is paid by then. The charge that is under way succeeds a moment later, and the money
//!   stays.
//! - Right: whichever of the two comes later pays back.
//! - The story: `order.cancelled` before `order.paid`, and no `payment.refund`.

use sourced::prelude::*;

use crate::shop::{Order, Refund};

/// When it is paid.
pub(crate) fn wrong(_: &Order, _: &StreamId) -> Option<Outgoing<Refund>> {
    None
}

/// When it is paid.
pub(crate) fn right(order: &Order, id: &StreamId) -> Option<Outgoing<Refund>> {
    let is_unwanted = order.is_cancelled;
    is_unwanted.then(|| Refund.to(format!("payment-of-{id}")))
}
