//! Rules are asked at random times; what they must keep is said as properties.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::message::Tick;

const SECOND: i64 = 1_000_000;
/// From 1990 to 2060.
const TIMES: std::ops::Range<i64> = 631_152_000 * SECOND..2_840_140_800 * SECOND;

fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros)
}

/// All ticks after one time and up to another, asked for one by one.
fn ticks(recurrence: &Recurrence, after: Timestamp, upto: Timestamp) -> Vec<Timestamp> {
    let next = |last: &Timestamp| recurrence.after(*last).filter(|next| *next <= upto);
    std::iter::successors(next(&after), next).collect()
}

/// Everything a rule must keep, around this time and over this span, which has not too many ticks.
fn keeps_its_promises(recurrence: &Recurrence, from: Timestamp, span: i64) {
    let upto = at(from.as_micros() + span);
    let all = ticks(recurrence, from, upto);
    assert!(
        all.iter().all(|tick| *tick > from),
        "not after what was asked"
    );
    assert!(all.is_sorted_by(|one, next| one < next), "not forward");
    // Whenever it is asked between two ticks, the answer is the same.
    for part in 1..20 {
        let asked = at(from.as_micros() + span / 20 * part);
        let expected = all.iter().copied().find(|tick| *tick > asked);
        let next = recurrence.after(asked).filter(|next| *next <= upto);
        assert_eq!(next, expected, "asked at {asked}");
    }
    assert_eq!(count(recurrence, from, upto) as usize, all.len());
    made_up_for(recurrence, from, upto, &all);
}

/// What is made and what is passed over add up to all ticks, whatever the policy.
fn made_up_for(recurrence: &Recurrence, from: Timestamp, upto: Timestamp, all: &[Timestamp]) {
    for (catch_up, most) in [
        (CatchUp::Newest, 1),
        (CatchUp::Each { at_most: 0 }, 1),
        (CatchUp::Each { at_most: 3 }, 3),
        (CatchUp::Each { at_most: 40 }, 40),
        (
            CatchUp::Skip {
                later_than: Duration::MAX,
            },
            1,
        ),
    ] {
        let recurrence = Recurrence {
            catch_up,
            ..recurrence.clone()
        };
        let mut settled = from;
        let mut made = Vec::new();
        let mut n_missed = 0;
        while let Due::Tick { at, missed } = due(&recurrence, settled, upto) {
            assert!(at > settled && at <= upto);
            made.push(at);
            n_missed += missed as usize;
            settled = at;
        }
        let n_made = all.len().min(most);
        assert_eq!(made, all[all.len() - n_made..], "{catch_up:?}");
        assert_eq!(n_missed, all.len() - n_made, "{catch_up:?}");
    }
    let none = Recurrence {
        catch_up: CatchUp::Skip {
            later_than: Duration::ZERO,
        },
        ..recurrence.clone()
    };
    match due(&none, from, upto) {
        Due::Tick { at, .. } => assert_eq!(at, upto),
        Due::NotBefore(next) => assert_eq!(next.filter(|next| *next <= upto), None),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn an_interval_ticks_at_its_multiples(micros in 1..100 * SECOND, from in -TIMES.end..TIMES.end, n in 1..50_i64) {
        let every = Every(Duration::from_micros(micros.unsigned_abs()));
        let next = every.after(at(from)).unwrap().as_micros();
        prop_assert_eq!(next.rem_euclid(micros), 0);
        prop_assert!(next > from && next - from <= micros);
        keeps_its_promises(&every.into(), at(from), micros * n);
    }

    #[test]
    fn ids_are_the_same_in_every_process(micros in 1..100 * SECOND, from in TIMES, ahead in 0..50_i64) {
        let recurrence: Recurrence = Every(Duration::from_micros(micros.unsigned_abs())).into();
        let id = crate::RecurrenceId::new("a").unwrap();
        let ids = |from| {
            let id = id.clone();
            ticks(&recurrence, at(from), at(TIMES.end.min(from + 100 * micros)))
                .into_iter()
                .map(move |at| Tick::new(id.clone(), at, 0).message_id())
        };
        // Another process starts later; what both see has the same ids.
        let late = from + ahead * micros;
        let (all, later): (Vec<_>, Vec<_>) = (ids(from).collect(), ids(late).collect());
        let n_ahead = usize::try_from(ahead).unwrap();
        prop_assert_eq!(&all[n_ahead..], &later[..all.len() - n_ahead]);
    }
}

#[test]
fn no_interval_and_no_time_ends_a_rule() {
    assert_eq!(Every(Duration::ZERO).after(at(0)), None);
    assert_eq!(Every(Duration::from_nanos(999)).after(at(0)), None);
    assert_eq!(Every(Duration::MAX).after(at(0)), None);
    assert_eq!(Every(Duration::from_secs(1)).after(at(i64::MAX)), None);
    let before = Every(Duration::from_secs(1)).after(at(i64::MIN));
    assert!(before.is_none_or(|next| next > at(i64::MIN)));
}

/// A day of ticks each second: found at once, and counted as far as it is counted.
#[test]
fn many_missed_ticks_cost_little() {
    let recurrence: Recurrence = Every(Duration::from_millis(1)).into();
    let year = at(365 * 86_400 * SECOND);
    let Due::Tick { at, missed } = due(&recurrence, at(0), year) else {
        panic!("nothing is due");
    };
    assert_eq!((at, missed), (year, Tick::MOST_MISSED));
}

#[cfg(feature = "cron")]
mod cron {
    use super::*;

    const ZONES: [&str; 6] = [
        "UTC",
        "Europe/Zurich",
        "America/New_York",
        "Australia/Lord_Howe",
        "Asia/Kathmandu",
        "Africa/Casablanca",
    ];

    const EXPRESSIONS: [&str; 10] = [
        "* * * * *",
        "*/15 * * * *",
        "30 2 * * *",
        "0 6 * * MON-FRI",
        "0 0 1 * *",
        "0 0 L * *",
        "59 23 31 12 *",
        "15 1-4 * * *",
        "*/7 */5 * * *",
        "30 10 2 * * SUN#L",
    ];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn an_expression_keeps_its_promises(
            zone in proptest::sample::select(&ZONES[..]),
            expression in proptest::sample::select(&EXPRESSIONS[..]),
            from in TIMES,
        ) {
            let cron = Cron::new(expression, zone).unwrap();
            // As long as there are some tens of ticks.
            let first = cron.after(at(from)).unwrap();
            let later = (0..20).fold(first, |last, _| cron.after(last).unwrap());
            let span = later.as_micros() - from;
            keeps_its_promises(&cron.into(), at(from), span);
        }

        /// In the days around the changes of clocks, where expressions are hardest to follow.
        #[test]
        fn an_expression_keeps_its_promises_when_clocks_are_changed(
            expression in proptest::sample::select(&EXPRESSIONS[..]),
            // Zurich, Lord Howe and New York, spring and autumn of 2024.
            (zone, day) in proptest::sample::select(&[
                ("Europe/Zurich", 1_711_846_800),
                ("Europe/Zurich", 1_729_990_800),
                ("Australia/Lord_Howe", 1_712_415_600),
                ("Australia/Lord_Howe", 1_728_142_200),
                ("America/New_York", 1_710_054_000),
                ("America/New_York", 1_730_613_600),
            ][..]),
            hours in -30..30_i64,
            micros in 0..3_600 * SECOND,
        ) {
            let cron = Cron::new(expression, zone).unwrap();
            let from = (day + hours * 3_600) * SECOND + micros;
            keeps_its_promises(&cron.into(), at(from), 30 * 3_600 * SECOND);
        }
    }

    /// The ticks of a day, as the clocks of the zone and of UTC show them.
    fn day(expression: &str, zone: &str, from: &str, hours: i64) -> Vec<String> {
        let cron = Cron::new(expression, zone).unwrap();
        let from: chrono::DateTime<chrono::Utc> = from.parse().unwrap();
        let upto = from + chrono::Duration::hours(hours);
        ticks(&cron.into(), from.into(), upto.into())
            .into_iter()
            .map(|tick| tick.to_string()[..16].to_owned())
            .collect()
    }

    /// In Zurich on 2024-03-31, 02:00 to 03:00 (01:00 UTC) is left out.
    #[test]
    fn in_an_hour_that_is_left_out() {
        let night = |expression| day(expression, "Europe/Zurich", "2024-03-30T23:00:00Z", 5);
        assert_eq!(
            night("30 2 * * *"),
            ["2024-03-31T01:00"],
            "once, when it ends"
        );
        let none: [&str; 0] = [];
        assert_eq!(night("*/15 2 * * *"), none, "as the clocks show");
        assert_eq!(
            night("30 3 * * *"),
            ["2024-03-31T01:30"],
            "others are not moved"
        );
    }

    /// In Zurich on 2024-10-27, 02:00 to 03:00 comes twice: from 00:00 UTC and from 01:00 UTC.
    #[test]
    fn in_an_hour_that_comes_twice() {
        let night = |expression| day(expression, "Europe/Zurich", "2024-10-26T22:00:00Z", 5);
        assert_eq!(
            night("30 2 * * *"),
            ["2024-10-27T00:30"],
            "once, the first time"
        );
        assert_eq!(
            night("30 * * * *"),
            [
                "2024-10-26T22:30",
                "2024-10-26T23:30",
                "2024-10-27T00:30",
                "2024-10-27T01:30",
                "2024-10-27T02:30"
            ],
            "both times"
        );
    }

    #[test]
    fn what_is_no_expression_or_no_zone_is_said() {
        let text = |expression, zone| Cron::new(expression, zone).unwrap_err().to_string();
        assert!(text("61 * * * *", "UTC").starts_with("`61 * * * *` is not a cron expression: "));
        assert!(text("", "UTC").starts_with("`` is not a cron expression: "));
        assert_eq!(
            text("* * * * *", "Mars/Olympus"),
            "there is no time zone `Mars/Olympus`: say one of the IANA database, such as `Europe/Zurich` or `UTC`"
        );
    }

    #[test]
    fn a_day_that_never_comes_has_no_ticks() {
        assert_eq!(Cron::new("0 0 30 2 *", "UTC").unwrap().after(at(0)), None);
    }

    #[test]
    fn a_rule_says_its_expression_and_zone() {
        let cron = Cron::new("0 6 * * *", "Europe/Zurich").unwrap();
        assert_eq!(cron.rule(), "cron 0 6 * * * Europe/Zurich");
        assert_eq!(Every(Duration::from_mins(15)).rule(), "every 900s");
    }
}
