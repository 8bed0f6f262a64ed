//! The library's own workers in the simulator: nothing is skipped, doubled or out of order, whatever goes wrong. And what
//! is wrong is found, and told.

#![allow(
    clippy::unwrap_used,
    reason = "a panic is how an invariant says no, in its helpers too"
)]

#[path = "simulation/bank.rs"]
mod bank;
#[path = "simulation/bouncer.rs"]
mod bouncer;
#[path = "simulation/refunds.rs"]
mod refunds;
#[path = "../../chaos/src/unfenced.rs"]
mod unfenced;

use std::time::Duration;

use sourced_testing::simulation::{Counterexample, Fault};
use unfenced::Unfenced;

#[test]
fn nothing_is_skipped_doubled_or_out_of_order() {
    let figures = bank::simulated().seeds(0..300).check();
    assert_eq!(figures.histories, 300);
    // Everything that can go wrong did.
    for fault in Fault::ALL {
        assert!(figures.faults[&fault] > 20, "{figures}");
    }
}

#[test]
fn the_same_seed_is_the_same_history_to_the_byte() {
    for seed in 0..40 {
        let (first, second) = (bank::simulated().trace(seed), bank::simulated().trace(seed));
        let lines = first.lines().zip(second.lines());
        let different = lines
            .enumerate()
            .find(|(_, (first, second))| first != second);
        assert_eq!(different, None, "seed {seed}");
        assert_eq!(first.len(), second.len(), "seed {seed}");
        assert!(first.lines().count() > 100, "{first}");
    }
    assert_ne!(bank::simulated().trace(0), bank::simulated().trace(1));
}

/// The negative control: what the fence is for, the invariants notice.
#[test]
fn a_storage_that_does_not_fence_is_found_out() {
    // A replay takes claims back, which is a fence of its own.
    let faults = Fault::ALL.into_iter().filter(|it| *it != Fault::Replay);
    let simulation = bank::simulated().storage(Unfenced).faults(faults);
    let found = simulation.seeds(0..1_000).run();
    let found = found.expect_err("a thousand seeds found nothing");
    let is_about_doubles = ["one-transaction", "decided-once"];
    assert!(is_about_doubles.contains(&&*found.invariant), "{found}");
    assert!(found.is_repeatable, "{found}");
    assert!(found.story.contains("STANDS STILL"), "{found}");
    assert!(found.story.lines().count() <= 30, "{found}");
}

/// Who calls somebody else twice for one message is found out, and the story says how it came to it.
#[test]
fn a_call_that_is_repeated_after_a_crash_is_told_as_a_story() {
    let found = refunds::simulated(refunds::Care::None)
        .seeds(0..1_000)
        .run();
    let found: Counterexample = *found.expect_err("a thousand seeds found nothing");
    assert_eq!(found.invariant, "nobody gets money back twice");
    assert!(found.how.starts_with("order-"), "{found}");
    assert!(found.is_repeatable, "{found}");
    let n_calls = found.story.matches("calls `refund order-").count();
    assert_eq!(n_calls, 2, "{found}");
    let n_requests = found.story.matches("#1 order.request_refund").count();
    assert_eq!(n_requests, 1, "{found}");
    assert!(found.story.lines().count() <= 8, "{found}");
}

#[test]
fn a_call_with_a_key_of_its_own_is_made_twice_and_done_once() {
    refunds::simulated(refunds::Care::Key).seeds(0..200).check();
}

#[test]
fn an_app_that_never_comes_to_rest_is_found_out() {
    let found = bouncer::simulated().seeds(0..2).run();
    let found = found.expect_err("it came to rest");
    assert_eq!(found.invariant, "the app comes to rest");
    assert!(
        found.how.contains("`bouncer` has work in 1 streams"),
        "{found}"
    );
}

#[test]
fn the_seed_of_a_story_leads_to_it_again() {
    let found = refunds::simulated(refunds::Care::None)
        .seeds(0..1_000)
        .run();
    let first = found.expect_err("a thousand seeds found nothing");
    let again = refunds::simulated(refunds::Care::None)
        .seed(first.seed)
        .run();
    assert_eq!(
        again.expect_err("the seed leads elsewhere").story,
        first.story
    );
}

/// What is scheduled for much later is waited for, at once.
#[test]
fn twenty_days_pass_at_once() {
    let figures = refunds::reminding(Duration::from_hours(24 * 20))
        .seeds(0..20)
        .check();
    assert!(
        figures.time > Duration::from_hours(24 * 20 * 20),
        "{figures}"
    );
    assert!(figures.steps < 200_000, "{figures}");
}
