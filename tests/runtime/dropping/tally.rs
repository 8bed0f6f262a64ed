//! How often each function was given up.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard};

/// Polls that a function is taken to need at first. Until one of its calls was done, it is taken to need more and more.
const AT_FIRST: usize = 6;
/// No function needs more.
const AT_MOST: usize = 400;

#[derive(Debug, Default)]
pub struct Tally(Mutex<BTreeMap<&'static str, Count>>);

#[derive(Debug, Default, Clone, Copy)]
struct Count {
    given_up: usize,
    done: usize,
    most_polls: usize,
}

impl Tally {
    pub fn was_given_up(&self, of: &'static str) {
        self.lock().entry(of).or_default().given_up += 1;
    }

    /// Whether it was counted how many polls that took is not said by all.
    pub fn was_done(&self, of: &'static str, n_polls: Option<usize>) {
        let mut counts = self.lock();
        let count = counts.entry(of).or_default();
        count.done += 1;
        count.most_polls = count.most_polls.max(n_polls.unwrap_or(0));
    }

    /// How many polls a call of it may need.
    pub fn most_polls(&self, of: &str) -> usize {
        let count = self.lock().get(of).copied().unwrap_or_default();
        if count.most_polls > 0 {
            return count.most_polls;
        }
        // Half of its calls should be done in the end.
        let more = count.given_up.saturating_sub(count.done) / 3;
        (AT_FIRST << more.min(8)).min(AT_MOST)
    }

    /// Those of these that were never given up.
    pub fn never<'c>(&self, of: impl Iterator<Item = &'c str>) -> Vec<&'c str> {
        let counts = self.lock();
        let is_never = |of: &&str| counts.get(*of).is_none_or(|count| count.given_up == 0);
        of.filter(is_never).collect()
    }

    pub fn n_given_up(&self) -> usize {
        self.lock().values().map(|count| count.given_up).sum()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<&'static str, Count>> {
        self.0.lock().unwrap()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = self.lock().clone();
        for (of, count) in &counts {
            let Count {
                given_up,
                done,
                most_polls,
            } = count;
            writeln!(f, "{given_up:>7} {done:>7} {most_polls:>5}  {of}")?;
        }
        let given_up: usize = counts.values().map(|count| count.given_up).sum();
        let done: usize = counts.values().map(|count| count.done).sum();
        write!(
            f,
            "{given_up} calls of {} functions were given up, {done} were done",
            counts.len()
        )
    }
}
