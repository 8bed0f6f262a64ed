//! Messages of yesterday, read by the program of today: other names, other shapes, and types nobody knows any more.

#![allow(
    clippy::unwrap_used,
    reason = "a panic is how a test fails, in its helpers too"
)]
#![allow(unreachable_pub, reason = "the programs are written as users do")]

mod clashes;
mod programs;
mod reading;
mod unknown;

use sourced::prelude::*;
use sourced::{Selection, StoredMessage};

fn names(log: &[StoredMessage]) -> Vec<&str> {
    log.iter()
        .map(|message| message.type_name.as_str())
        .collect()
}

async fn log(app: &App) -> Vec<StoredMessage> {
    app.log(Selection::all()).page(100).await.unwrap().messages
}
