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
#[path = "../../chaos/src/careless.rs"]
mod careless;
#[path = "simulation/clockwork.rs"]
mod clockwork;
#[path = "simulation/refunds.rs"]
mod refunds;

use std::time::Duration;

use careless::{Careless, Omission};
use sourced_testing::simulation::{Counterexample, Fault};

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
    let simulation = bank::simulated()
        .storage(|storage| Careless::new(storage, Omission::Fence))
        .faults(faults);
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

/// Nothing but the ticks themselves happens there.
#[test]
fn a_history_goes_on_for_as_long_as_it_is_told_to() {
    let hours = 24;
    let figures = clockwork::hours(hours).seeds(0..20).check();
    let each = Duration::from_hours(u64::from(hours));
    assert!(figures.time > each * 20, "{figures}");
    assert!(figures.faults.values().sum::<u64>() > 100, "{figures}");
    for seed in 0..3 {
        let trace = || clockwork::hours(6).trace(seed);
        assert!(trace() == trace(), "seed {seed} is not repeated");
    }
    // Nobody waits for a tick who has not asked for it.
    let figures = clockwork::hours(0).seeds(0..10).run();
    let figures = figures.unwrap_or_else(|found| panic!("{found}"));
    assert!(figures.time < Duration::from_hours(1), "{figures}");
}

/// A clock that is behind keeps for later what is due already, and is told so.
#[test]
fn what_is_kept_for_later_is_told_with_its_time() {
    let traces: Vec<_> = (0..10)
        .map(|seed| clockwork::hours(2).trace(seed))
        .collect();
    let kept = traces.iter().flat_map(|trace| trace.lines());
    let kept: Vec<_> = kept
        .filter(|line| line.contains("keeps tower.fade"))
        .collect();
    let (due, later): (Vec<&str>, Vec<&str>) = kept
        .into_iter()
        .partition(|line| line.contains("for tower-1, which is due already"));
    assert!(!due.is_empty() && !later.is_empty(), "{due:?} {later:?}");
    for line in later {
        let (_, until) = line.split_once(" for tower-1 until ").unwrap();
        assert!(!until.starts_with("0.000"), "{line}");
    }
}
