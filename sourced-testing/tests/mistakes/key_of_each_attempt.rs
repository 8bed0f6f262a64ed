//! **A double refund on redelivery.** The bank is told to pay back.
//!
//! - Wrong: there is a key, but it is made when the call is made: from the time, or by chance. Each attempt has another.
//! - Right: the key is made of what is asked for, and the same whoever asks again.
//! - The story: the second `calls` after `gets .., again`, and two keys that differ.

use sourced::prelude::*;
use sourced_testing::simulation::{Outside, Unreachable};

use crate::outside::Bank;
use crate::shop::order_of;

pub(crate) async fn wrong(
    bank: &Outside<Bank>,
    payment: &StreamId,
    now: Now,
) -> Result<(), Unreachable> {
    let key = format!("{payment} at {}", *now);
    pay_back(bank, payment, key).await
}

pub(crate) async fn right(bank: &Outside<Bank>, payment: &StreamId) -> Result<(), Unreachable> {
    let key = format!("refund of {payment}");
    pay_back(bank, payment, key).await
}

async fn pay_back(
    bank: &Outside<Bank>,
    payment: &StreamId,
    key: String,
) -> Result<(), Unreachable> {
    let what = format!("refund {}", order_of(payment));
    bank.call(what.clone(), |bank| bank.pay(&what, Some(key)))
        .await
}
