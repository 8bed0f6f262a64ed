//! How time passes in a history, and whether there is anything to wait for.

use std::time::Duration;

use sourced::backend::{Claims as _, Schedules as _};
use sourced::{Recurring, Timestamp};

use super::super::process::BEGINNING;
use super::{Run, now};

/// So long after the last client something may still go wrong.
const STORMY: u64 = 60_000_000;

impl Run {
    /// Whether there is nothing to do before the next message is due.
    pub(super) fn is_quiet(&self) -> bool {
        let state = self.lock();
        if state.n_clients > 0 || state.n_under_way > 0 || self.executor.has_paused() {
            return false;
        }
        now(self.memory.pending_lanes(&state.groups)) == 0
            && {
                let is_due = |next: u64| next <= self.executor.now();
                !self.next_schedule().is_some_and(is_due)
            }
            && self.overdue().is_empty()
    }

    /// In microseconds from the beginning.
    fn next_schedule(&self) -> Option<u64> {
        let next = now(self.memory.scheduled(None, 1)).pop()?;
        Some(since_the_beginning(next.at))
    }

    /// The recurrences with ticks that should be there and are not; none where ticks are not waited for.
    fn overdue(&self) -> Vec<Recurring> {
        let mut all = self.recurring();
        all.retain(|one| one.overdue > 0);
        all
    }

    /// The next tick that is waited for, in microseconds from the beginning.
    fn next_tick(&self) -> Option<u64> {
        let next = self.recurring().into_iter().filter_map(|one| one.next);
        next.min().map(since_the_beginning)
    }

    fn recurring(&self) -> Vec<Recurring> {
        if self.setup.at_least.is_zero() {
            return Vec::new();
        }
        let world = self.world();
        let world = world.as_ref();
        world.map_or_else(Vec::new, |world| now(world.app().recurring()))
    }

    /// There is nothing to see until then.
    pub(super) fn jump_to_what_is_next(&self) -> bool {
        let at_least = micros(self.setup.at_least);
        let schedule = self.next_schedule();
        let schedule = schedule.filter(|at| *at <= micros(self.setup.horizon));
        let tick = self.next_tick().filter(|at| *at <= at_least);
        let end = (self.executor.now() < at_least).then_some(at_least);
        let Some(at) = [schedule, tick, end].into_iter().flatten().min() else {
            return false;
        };
        self.executor.jump_to(at);
        self.is_active();
        self.lock().n_polls_before = self.executor.n_polls();
        true
    }

    /// How long it has run since time was last let pass for what comes by itself.
    pub(super) fn n_polls_in_vain(&self) -> u64 {
        self.executor.n_polls() - self.lock().n_polls_before
    }

    /// Good weather comes, and patience ends.
    pub(super) fn watch_the_time(&self) {
        let now = self.executor.now();
        let patience = micros(self.setup.patience);
        let mut state = self.lock();
        let idle_for = now.saturating_sub(state.active_at);
        if state.n_clients == 0 && idle_for > STORMY && !state.is_calm {
            state.is_calm = true;
        }
        if idle_for > patience {
            drop(state);
            self.breaks("the app comes to rest", self.what_is_left());
        }
    }

    fn what_is_left(&self) -> String {
        let (clients, groups) = {
            let state = self.lock();
            (state.n_clients, state.groups.clone())
        };
        let mut left = Vec::new();
        if clients > 0 {
            left.push(format!("{clients} clients wait for an answer"));
        }
        for group in groups {
            let pending = now(self.memory.pending_lanes(std::slice::from_ref(&group)));
            if pending > 0 {
                left.push(format!("`{group}` has work in {pending} streams"));
            }
        }
        for Recurring { id, overdue, .. } in self.overdue() {
            left.push(format!("`{id}` should have ticked {overdue} times more"));
        }
        format!(
            "after {} s: {}",
            self.setup.patience.as_secs(),
            left.join(", ")
        )
    }
}

fn since_the_beginning(at: Timestamp) -> u64 {
    micros(at.saturating_since(BEGINNING))
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
