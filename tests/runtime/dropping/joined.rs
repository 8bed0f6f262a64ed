//! Units that are given up in a transaction of the caller's, which goes on.

use sourced::prelude::*;

use crate::backends::On;
use crate::cut::Cut;
use crate::own::{End, Own};
use crate::shop::*;
use crate::transaction::Going;

/// More polls than a unit needs on any backend.
const MOST_POLLS: usize = 2_000;

pub async fn safe_to_drop_a_unit_at_every_poll_in_the_caller_s_transaction(on: On) {
    let Some(own) = Own::of(&on).await else {
        return;
    };
    let app = on.app(&Stage::new()).await;
    for end in [End::Commit, End::RollBack, End::Drop] {
        let (mut n_given_up, mut n_done) = (0, 0);
        // Where the database is quick, a poll may find more answers than one: it is done for good when it is so repeatedly.
        for polls in 1.. {
            assert!(polls < MOST_POLLS, "it never ends");
            if sale(&app, &own, Cut::Polls(polls), end).await {
                (n_given_up, n_done) = (n_given_up + 1, 0);
            } else {
                n_done += 1;
            }
            if n_done > 3 && n_given_up > 1 {
                break;
            }
        }
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
        n_given_up += usize::from(sale(&app, &own, turns, End::Commit).await);
    }
    assert!(n_given_up > 30, "{n_given_up}");
}

/// Gives a sale up, in a transaction that ends like this. Says whether it was given up, and not done before.
async fn sale(app: &App, own: &Own, cut: Cut, end: End) -> bool {
    let till = format!("till-{}", app.env().ids.next_id().simple());
    let (unit, sale) = (app.unit(), sell("tea").to(till.as_str()));
    let mut going = Going::begin(own, &till).await;
    let done = cut.of(going.tx.handle(&unit, sale)).await;
    let went = going.end(done.is_none(), end).await;
    if let Some(result) = done {
        result.unwrap();
    }
    let stored = app.actor::<Till>(till.as_str()).history().await.unwrap();
    assert_eq!(!stored.is_empty(), went.is_stored(), "{cut:?}, {went:?}");
    let report = report(app, &till).await;
    assert_eq!(report.is_some(), went.is_stored(), "{cut:?}, {went:?}");
    went.is_given_up
}
