//! Which tick is to be made up for, of those whose time has come.

use super::{CatchUp, Recurrence};
use crate::message::Tick;
use crate::time::Timestamp;

/// Of many, no more are made up for: each is looked for anew, since time goes on meanwhile.
const MOST_CAUGHT_UP: u32 = 1_000;

/// What is to be done about a recurrence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Due {
    /// This tick is to be made, and with it so many before it are passed over.
    Tick { at: Timestamp, missed: u32 },
    /// Nothing before this time; nothing any more, when there is none.
    NotBefore(Option<Timestamp>),
}

/// Says what is due at `now` when all ticks up to `settled` are settled.
pub(crate) fn due(recurrence: &Recurrence, settled: Timestamp, now: Timestamp) -> Due {
    let first = recurrence.after(settled);
    let Some(first) = first.filter(|first| *first <= now) else {
        return Due::NotBefore(first);
    };
    let at = match recurrence.catch_up {
        CatchUp::Newest => newest(recurrence, first, now),
        CatchUp::Each { at_most } => oldest_of(recurrence, at_most, first, now),
        CatchUp::Skip { later_than } => {
            let newest = newest(recurrence, first, now);
            if now.saturating_since(newest) > later_than {
                return Due::NotBefore(recurrence.after(now));
            }
            newest
        }
    };
    let before = Timestamp::from_micros(at.as_micros().saturating_sub(1));
    Due::Tick {
        at,
        missed: count(recurrence, settled, before),
    }
}

/// How many ticks there are after one time and up to another, as far as they are counted.
pub(crate) fn count(recurrence: &Recurrence, after: Timestamp, upto: Timestamp) -> u32 {
    count_upto(recurrence, after, upto, Tick::MOST_MISSED)
}

fn count_upto(recurrence: &Recurrence, after: Timestamp, upto: Timestamp, most: u32) -> u32 {
    let mut n_ticks = 0;
    let mut last = after;
    while n_ticks < most {
        match recurrence.after(last).filter(|next| *next <= upto) {
            Some(next) => last = next,
            None => break,
        }
        n_ticks += 1;
    }
    n_ticks
}

/// The last tick up to `now`, when `first` is one.
///
/// Found by halving: there may be millions between them, and a rule can only be asked for what comes after.
fn newest(recurrence: &Recurrence, first: Timestamp, now: Timestamp) -> Timestamp {
    let mut newest = first;
    // All ticks up to `newest` are known to be no later than it, and there is none between `end` and `now`.
    let mut end = now;
    while newest < end {
        let gap = end.as_micros().abs_diff(newest.as_micros());
        let middle = Timestamp::from_micros(newest.as_micros().saturating_add_unsigned(gap / 2));
        match recurrence.after(middle).filter(|next| *next <= now) {
            Some(next) => newest = next,
            None => end = middle,
        }
    }
    newest
}

/// The oldest of the last so many ticks up to `now`, when `first` is the oldest of all.
fn oldest_of(recurrence: &Recurrence, at_most: u32, first: Timestamp, now: Timestamp) -> Timestamp {
    let at_most = at_most.clamp(1, MOST_CAUGHT_UP);
    let before_first = Timestamp::from_micros(first.as_micros().saturating_sub(1));
    let is_few = count_upto(recurrence, before_first, now, at_most.saturating_add(1)) <= at_most;
    if is_few {
        return first;
    }
    let mut oldest = newest(recurrence, first, now);
    for _ in 1..at_most {
        let before = Timestamp::from_micros(oldest.as_micros().saturating_sub(1));
        oldest = newest(recurrence, first, before);
    }
    oldest
}
