//! Making a history that fails shorter.

use std::sync::Arc;

use super::plan::{Decision, Plan};
use super::run::{Broken, Ran, Telling, run};
use super::setup::Setup;

/// So many histories are tried, in each of two ways.
const MOST_TRIES: usize = 400;

/// For each shorter plan whose tasks are drawn, so many draws are tried.
const DRAWS: u64 = 3;

/// So many mishaps are tried with an earlier call, when a step is left out, and with so many calls earlier.
const MOST_EARLIER: (usize, u64) = (6, 3);

/// What is left of so many decisions cannot be much shorter.
const SHORT: usize = 2;

/// The shortest plan found that breaks the same invariant, and how many were tried.
pub(super) fn shrink(setup: &Arc<Setup>, plan: &Plan, ran: &Ran, broken: &Broken) -> (Plan, usize) {
    let whole = Shrinker {
        setup,
        broken,
        best: plan.only(&ran.decisions),
        decisions: ran.decisions.clone(),
        n_tries: 0,
    };
    // Plain histories are easier to read, and some invariants only break in others.
    let mut shortest = whole.clone();
    shortest.make_plain();
    shortest.run();
    let mut n_tries = shortest.n_tries;
    if shortest.decisions.len() > SHORT {
        let mut other = whole;
        other.run();
        n_tries += other.n_tries;
        if other.decisions.len() < shortest.decisions.len() {
            shortest = other;
        }
    }
    shortest.shorten();
    (shortest.best, n_tries)
}

#[derive(Clone)]
struct Shrinker<'a> {
    setup: &'a Arc<Setup>,
    broken: &'a Broken,
    best: Plan,
    /// Of the best.
    decisions: Vec<Decision>,
    n_tries: usize,
}

impl Shrinker<'_> {
    fn run(&mut self) {
        loop {
            let before = self.decisions.len();
            self.drop_decisions();
            self.drop_steps_before_mishaps();
            if self.decisions.len() == before || self.is_out_of_tries() {
                break;
            }
        }
        self.make_plain();
        self.drop_workers();
    }

    fn make_plain(&mut self) {
        if !self.best.is_plain {
            let plan = Plan {
                is_plain: true,
                ..self.best.clone()
            };
            self.tries(&plan);
        }
    }

    fn drop_workers(&mut self) {
        for n_workers in 1..self.best.n_workers {
            let plan = Plan {
                n_workers,
                ..self.best.clone()
            };
            if self.tries(&plan) {
                return;
            }
        }
    }

    /// Half of them, then quarters, and in the end one by one.
    fn drop_decisions(&mut self) {
        let mut size = self.decisions.len().div_ceil(2);
        while size > 0 {
            // From the end: what comes late depends on what comes early.
            let mut end = self.decisions.len();
            while end > 0 && !self.is_out_of_tries() {
                let start = end.saturating_sub(size);
                let mut fewer = self.decisions.clone();
                fewer.drain(start..end);
                let plan = self.best.only(&fewer);
                self.tries(&plan);
                end = start.min(self.decisions.len());
            }
            size /= 2;
        }
    }

    /// Without a step, what went wrong with the third call of a sort may have to go wrong with the second.
    fn drop_steps_before_mishaps(&mut self) {
        let mut nth = 0;
        while nth < self.decisions.len() && !self.is_out_of_tries() {
            if !matches!(self.decisions[nth], Decision::Step(_)) || !self.drop_with_earlier(nth) {
                nth += 1;
            }
        }
    }

    fn drop_with_earlier(&mut self, step: usize) -> bool {
        let mut fewer = self.decisions.clone();
        fewer.remove(step);
        let (most, furthest) = MOST_EARLIER;
        let mishaps = fewer
            .iter()
            .enumerate()
            .filter_map(|(nth, decision)| match decision {
                Decision::Mishap(call, _) if call.nth > 1 => Some((nth, call.nth)),
                _ => None,
            });
        let mishaps: Vec<_> = mishaps.take(most).collect();
        for (nth, of_sort) in mishaps {
            for by in (1..=furthest).filter(|by| *by < of_sort) {
                let mut earlier = fewer.clone();
                if let Decision::Mishap(call, _) = &mut earlier[nth] {
                    call.nth -= by;
                }
                let plan = self.best.only(&earlier);
                if self.tries(&plan) {
                    return true;
                }
            }
        }
        false
    }

    /// Each mishap half as long, as often as it goes.
    fn shorten(&mut self) {
        let mut nth = 0;
        while nth < self.decisions.len() && !self.is_out_of_tries() {
            let mut shorter = self.decisions.clone();
            let is_shorter = match &mut shorter[nth] {
                Decision::Mishap(_, mishap) if mishap.by.as_millis() >= 2 => {
                    mishap.by /= 2;
                    true
                }
                _ => false,
            };
            let plan = self.best.only(&shorter);
            if !is_shorter || !self.tries(&plan) {
                nth += 1;
            }
        }
    }

    /// Whether the plan fails in the same way; then it is the best from now on.
    fn tries(&mut self, plan: &Plan) -> bool {
        let n_draws = if plan.is_plain { 1 } else { DRAWS };
        for draw in 0..n_draws {
            self.n_tries += 1;
            let plan = Plan {
                draw: self.best.draw + draw,
                ..plan.clone()
            };
            let ran = run(self.setup, &plan, Telling::Nothing);
            let broken = ran.broken.as_ref();
            if broken.is_some_and(|broken| broken.invariant == self.broken.invariant) {
                self.best = plan.only(&ran.decisions);
                self.decisions = ran.decisions;
                return true;
            }
        }
        false
    }

    fn is_out_of_tries(&self) -> bool {
        self.n_tries >= MOST_TRIES
    }
}
