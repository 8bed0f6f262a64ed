//! Ten classic mistakes, planted in a small shop one by one: each is found, and told so that one sees the cause.
//!
//! Each has a file, with the right way and the wrong one beside each other. Without a mistake the shop holds all that it
//! promises; `cargo run --release -p sourced-testing --example shop` tries that over many more seeds.

#![allow(
    clippy::unwrap_used,
    reason = "a panic is how an invariant says no, in its helpers too"
)]

mod call_without_key;
mod decided_on_a_read_model;
mod forgotten_event;
mod key_of_each_attempt;
mod lost_schedule;
mod order_between_streams;
mod outside;
mod replayed_effect;
mod shop;
mod simulated;
mod state_without_a_field;
mod success_after_the_end;
mod swallowed_failure;

use std::panic::catch_unwind;

use shop::Mistake;
use simulated::simulated;
use sourced_testing::laws::Laws;

/// Finds it within 1,000 seeds. The story has these parts, in this order, each in a line of its own but the last, which is
/// how the invariant is broken.
#[track_caller]
fn is_found(mistake: Mistake, invariant: &str, parts: &[&str]) {
    let found = simulated(Some(mistake)).seeds(0..1_000).run();
    let found = found.expect_err("a thousand seeds found nothing");
    assert_eq!(found.invariant, invariant, "{found}");
    assert!(found.is_repeatable, "{found}");
    let (how, story) = parts.split_last().unwrap();
    let mut lines = found.story.lines();
    for part in story {
        let is_told = lines.any(|line| line.contains(part));
        assert!(is_told, "`{part}` does not come, or too early:\n{found}");
    }
    assert!(found.how.contains(how), "{found}");
    assert!(found.story.lines().count() <= MOST_LINES, "{found}");
}

/// Nobody reads a longer one.
const MOST_LINES: usize = 40;

#[test]
fn the_shop_holds_what_it_promises() {
    let figures = simulated(None).seeds(0..2_000).check();
    assert_eq!(figures.histories, 2_000);
}

#[test]
fn the_same_seed_is_the_same_history_with_tables_and_schedules() {
    for seed in 0..20 {
        let (first, second) = (simulated(None).trace(seed), simulated(None).trace(seed));
        assert!(first == second, "seed {seed}");
    }
}

#[test]
fn an_effect_in_a_replay_is_found() {
    is_found(
        Mistake::ReplayedEffect,
        "the turnover is that of the orders",
        &[
            "order.placed {\"cents\"",
            "#2 for `turnover`",
            "operator  REPLAYS `turnover` from the beginning",
            "gets order-0 #2 order.placed for `turnover`, as a replay",
            "handles order-0 #2 for `turnover`",
            "turnover, and what was ordered",
        ],
    );
}

#[test]
fn a_name_that_is_decided_on_a_read_model_is_found() {
    is_found(
        Mistake::DecidedOnAReadModel,
        "a name belongs to one account",
        &[
            "account.open_unchecked {\"name\":\"",
            "account.open_unchecked {\"name\":\"",
            "account.opened {\"name\":\"",
            "account.opened {\"name\":\"",
            "are both called",
        ],
    );
}

#[test]
fn a_call_without_a_key_is_found() {
    is_found(
        Mistake::CallWithoutKey,
        "nobody pays twice",
        &[
            "payment.charge",
            "calls `charge order-",
            "its ack of `payment`",
            "payment.charge for `payment`, again",
            "calls `charge order-",
            "2 times, by the keys [\"none\", \"none\"]",
        ],
    );
}

#[test]
fn a_double_refund_on_redelivery_is_found() {
    is_found(
        Mistake::KeyOfEachAttempt,
        "nobody gets money back twice",
        &[
            "payment.refund",
            "calls `refund order-",
            "payment.refund for `payment`, again",
            "calls `refund order-",
            "2 times, by the keys [\"payment-of-order-",
        ],
    );
}

#[test]
fn an_order_between_streams_is_found() {
    is_found(
        Mistake::OrderBetweenStreams,
        "the overview says what is so",
        &[
            "order.placed",
            "payment.charged {\"order\"",
            "handles payment-of-order-0 #2 for `overview`",
            "handles order-0 #2 for `overview`",
            "is_charged: true",
        ],
    );
}

#[test]
fn a_forgotten_event_is_found() {
    is_found(
        Mistake::ForgottenEvent,
        "the overview says what is so",
        &[
            "order.placed",
            "for `overview`",
            "order.cancelled",
            "is_cancelled: true",
        ],
    );
}

#[test]
fn a_lost_schedule_is_found() {
    is_found(
        Mistake::LostSchedule,
        "who orders is reminded",
        &[
            "order.placed",
            "gets NO ANSWER to its append",
            "gives up",
            "for `order`",
            "0 reminders of order-",
        ],
    );
}

#[test]
fn a_swallowed_failure_is_found() {
    is_found(
        Mistake::SwallowedFailure,
        "who orders gets a mail",
        &[
            "order.placed",
            "cannot get through with its mail about order-",
            "#2 for `mails`",
            "0 mails about order-",
        ],
    );
}

#[test]
fn a_success_after_the_end_is_found() {
    is_found(
        Mistake::SuccessAfterTheEnd,
        "who cancels gets the money back",
        &[
            "order.cancel",
            "order.cancelled",
            "order.paid",
            "is cancelled, and its money did not come back",
        ],
    );
}

#[test]
fn a_state_without_a_field_is_found_by_a_law() {
    let law = || {
        Laws::<state_without_a_field::wrong::Voucher>::new()
            .a_snapshot_and_its_tail_equal_the_full_fold();
    };
    let said = catch_unwind(law).expect_err("nothing was found");
    let said = said.downcast::<String>().unwrap();
    let parts = [
        "`Voucher` breaks the law: a snapshot and its tail equal the full fold",
        "-> Redeemed",
        "-     is_used: true,",
        "+     is_used: false,",
    ];
    for part in parts {
        assert!(said.contains(part), "`{part}` is not in:\n{said}");
    }
}

mod a_voucher {
    use crate::state_without_a_field::right::Voucher;

    sourced_testing::laws!(Voucher);
}
