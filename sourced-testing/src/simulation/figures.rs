//! Figures of simulated histories.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::fault::Fault;

/// What a simulation came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Figures {
    /// Histories that were simulated.
    pub histories: u64,
    /// Steps of tasks, each of which could have come before or after others.
    pub steps: u64,
    /// Calls of the storage and of what lies outside.
    pub calls: u64,
    /// Messages that were stored.
    pub messages: u64,
    /// How often what went wrong.
    pub faults: BTreeMap<Fault, u64>,
    /// How long all of it would have taken.
    pub time: Duration,
}

impl Figures {
    /// How much went wrong.
    pub fn n_faults(&self) -> u64 {
        self.faults.values().sum()
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.histories += other.histories;
        self.steps += other.steps;
        self.calls += other.calls;
        self.messages += other.messages;
        self.time += other.time;
        for (fault, times) in &other.faults {
            *self.faults.entry(*fault).or_default() += times;
        }
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} histories of {:.1} hours in all: {} steps, {} calls, {} messages, {} faults",
            self.histories,
            self.time.as_secs_f64() / 3600.0,
            self.steps,
            self.calls,
            self.messages,
            self.n_faults()
        )?;
        for (nth, (fault, times)) in self.faults.iter().enumerate() {
            write!(f, "{} {times} {fault}", if nth == 0 { " (" } else { ", " })?;
        }
        if self.faults.is_empty() {
            Ok(())
        } else {
            f.write_str(")")
        }
    }
}
