//! **A call outside that is not idempotent.** The bank is told to charge.
//!
//! - Wrong: a call and nothing else. When the process dies before the answer is stored, the command is handled again, and
//!   the bank does it again.
//! - Right: with a key that says which charge it is: a payment has one, so its stream is the key.
//! - The story: `calls`, `CRASHES before it hears of its charge`, `gets .., again`, `calls`.

use sourced::prelude::*;
use sourced_testing::simulation::{Outside, Unreachable};

use crate::outside::Bank;
use crate::shop::order_of;

pub(crate) async fn wrong(bank: &Outside<Bank>, payment: &StreamId) -> Result<(), Unreachable> {
    let what = format!("charge {}", order_of(payment));
    bank.call(what.clone(), |bank| bank.pay(&what, None)).await
}

pub(crate) async fn right(bank: &Outside<Bank>, payment: &StreamId) -> Result<(), Unreachable> {
    let what = format!("charge {}", order_of(payment));
    let key = format!("charge of {payment}");
    bank.call(what.clone(), |bank| bank.pay(&what, Some(key)))
        .await
}
