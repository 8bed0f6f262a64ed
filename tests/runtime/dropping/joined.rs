//! Units that are given up in a transaction of the caller's.

use std::time::Duration;

use sourced::prelude::*;

use super::cut::{Cut, pass};
use crate::backends::On;
use crate::own::{End, Own};
use crate::shop::*;

/// More polls than a unit needs on any backend.
const MOST_POLLS: usize = 2_000;

pub async fn safe_to_drop_a_unit_at_every_poll_in_the_caller_s_transaction(on: On) {
    let Some(own) = Own::of(&on).await else {
        return;
    };
    let app = on.app(&Stage::new()).await;
    for end in [End::Commit, End::RollBack, End::Drop] {
        let mut n_given_up = 0;
        while give_up(&app, &own, Cut::Polls(n_given_up + 1), end).await {
            n_given_up += 1;
            assert!(n_given_up < MOST_POLLS, "it never ends");
        }
        assert!(n_given_up > 1, "{n_given_up}");
    }
}

pub async fn safe_to_drop_a_unit_at_any_time_in_the_caller_s_transaction(on: On) {
    let Some(own) = Own::of(&on).await else {
        return;
    };
    let app = on.app(&Stage::new()).await;
    let mut n_given_up = 0;
    for attempt in 0..300_usize {
        let turns = Cut::Turns(attempt * 7 % 97);
        n_given_up += usize::from(give_up(&app, &own, turns, End::Commit).await);
    }
    assert!(n_given_up > 30, "{n_given_up}");
}

/// Begins a transaction, writes, gives a unit up in it, writes again, and ends it. Whether the unit was given up, and not
/// done before.
async fn give_up(app: &App, own: &Own, cut: Cut, end: End) -> bool {
    let till = format!("till-{}", app.env().ids.next_id().simple());
    let case = format!("{cut:?}, {end:?}, {till}");
    let n_before = own.n_rows().await;
    let mut tx = own.begin().await;
    tx.write().await;
    let done = cut
        .of(tx.handle(&app.unit(), sell("tea").to(till.as_str())))
        .await;
    let is_given_up = done.is_none();
    if let Some(result) = done {
        result.unwrap();
    }
    let wrote = tx.try_write().await;
    pass(3).await;
    assert_eq!(
        own.n_rows().await,
        n_before,
        "outside of the transaction: {case}"
    );
    let n_rows = 1 + i64::from(wrote.is_ok());
    let ended = tx.end(end).await;
    let is_committed = end == End::Commit && ended.is_ok();
    if !is_given_up {
        assert!(
            wrote.is_ok() && ended.is_ok(),
            "{case}: {wrote:?} {ended:?}"
        );
    }
    let n_rows = if is_committed { n_rows } else { 0 };
    assert_eq!(
        own.n_rows().await,
        n_before + n_rows,
        "{case}: {wrote:?} {ended:?}"
    );
    let stored = app.actor::<Till>(till.as_str()).history().await.unwrap();
    let is_stored = is_committed && !is_given_up;
    assert_eq!(!stored.is_empty(), is_stored, "{case}: {ended:?}");
    assert_eq!(report(app, &till).await.is_some(), is_stored, "{case}");
    is_given_up
}
