//! What is to happen in one history.

use std::collections::{BTreeMap, BTreeSet};

use super::dice::{Dice, mix};
use super::executor::Order;
use super::fault::Mishap;

/// Decides a history, together with the app: the same plan leads to the same one.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub(super) seed: u64,
    pub(super) n_workers: usize,
    /// Another one draws other tasks.
    pub(super) draw: u64,
    /// Tasks run in the order of coming, all calls take the same time, and all clocks show the same.
    pub(super) is_plain: bool,
    /// `None`: all that the seed leads to.
    pub(super) only: Option<Only>,
}

/// What was left over by shrinking.
#[derive(Debug, Clone, Default)]
pub(super) struct Only {
    pub(super) steps: BTreeSet<StepId>,
    /// By the calls where they happen.
    pub(super) mishaps: BTreeMap<CallId, Mishap>,
}

/// Names a call: the how-manieth of its sort. What is done otherwise elsewhere does not rename it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct CallId {
    /// Whose it is, and what about.
    pub(super) sort: u64,
    /// From 1.
    pub(super) nth: u64,
}

impl CallId {
    pub(super) fn number(self) -> u64 {
        mix(self.sort, self.nth)
    }
}

/// One step of a client: the number of the client, and of its step.
pub(super) type StepId = (usize, usize);

/// What happened in a history and need not have.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Decision {
    Step(StepId),
    Mishap(CallId, Mishap),
}

impl Plan {
    pub(super) fn of(seed: u64, n_workers: usize) -> Self {
        Self {
            seed,
            n_workers,
            draw: 0,
            is_plain: false,
            only: None,
        }
    }

    /// The same history with these decisions only.
    pub(super) fn only(&self, decisions: &[Decision]) -> Self {
        let mut only = Only::default();
        for decision in decisions {
            match decision {
                Decision::Step(step) => _ = only.steps.insert(*step),
                Decision::Mishap(call, mishap) => _ = only.mishaps.insert(*call, *mishap),
            }
        }
        Self {
            only: Some(only),
            ..self.clone()
        }
    }

    pub(super) fn has_step(&self, step: StepId) -> bool {
        let only = self.only.as_ref();
        only.is_none_or(|only| only.steps.contains(&step))
    }

    pub(super) fn order(&self) -> Order {
        if self.is_plain {
            Order::FirstCome
        } else {
            Order::Drawn(Dice::new(mix(self.seed, mix(2, self.draw))))
        }
    }

    /// How many microseconds the way to the storage takes, or the way back.
    pub(super) fn latency(&self, call: CallId, way: u64) -> u64 {
        if self.is_plain {
            return 1_000;
        }
        // Mostly short, so that what is longer matters.
        let dice = Dice::new(mix(self.seed, call.number().wrapping_add(way)));
        dice.between(100..200 << dice.below(5))
    }
}
