//! What a simulation has found.

use std::fmt;
use std::sync::Arc;

use super::plan::Plan;
use super::run::{Broken, Ran, Telling, run};
use super::seeds::{SEEDS, on_a_thread};
use super::setup::Setup;
use super::shrink::shrink;

/// A history in which an invariant does not hold.
#[derive(Debug)]
#[non_exhaustive]
pub struct Counterexample {
    /// The seed that led to it.
    pub seed: u64,
    /// What does not hold, by the name it was given.
    pub invariant: String,
    /// How, in the words of the panic.
    pub how: String,
    /// The shortest history found, one line for each thing that happened.
    pub story: String,
    /// Whether the same seed led to it again. If not, the app has a clock, a chance or an order of its own, and the story
    /// is only one that may happen.
    pub is_repeatable: bool,
    /// How many histories were tried to find a shorter one.
    pub tries: usize,
}

impl Counterexample {
    pub(super) fn of(setup: &Arc<Setup>, seed: u64, ran: &Ran) -> Self {
        let plan = Plan::of(seed, setup.n_workers);
        let broken = ran.broken.clone().unwrap_or_else(|| Broken {
            invariant: String::new(),
            how: String::new(),
        });
        on_a_thread(|| {
            let again = run(setup, &plan, Telling::Nothing);
            let is_repeatable = again.broken == ran.broken;
            let (shortest, tries) = shrink(setup, &plan, ran, &broken);
            let told = run(setup, &shortest, Telling::Story);
            let Broken { invariant, how } = told.broken.unwrap_or(broken);
            Self {
                seed,
                invariant,
                how,
                story: told.story.to_string(),
                is_repeatable,
                tries,
            }
        })
    }
}

impl fmt::Display for Counterexample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            seed,
            invariant,
            how,
            story,
            ..
        } = self;
        writeln!(
            f,
            "`{invariant}` does not hold with seed {seed}:\n\n{story}"
        )?;
        writeln!(
            f,
            "      broken: {invariant}\n      {}\n",
            how.replace('\n', "\n      ")
        )?;
        if !self.is_repeatable {
            writeln!(
                f,
                "The seed does not lead to it each time: something in the app reads a clock, draws a number or starts a \
                 task past its ports, or goes through a `HashMap` in its order."
            )?;
        }
        write!(f, "Again: {SEEDS}={seed}, or `.seed({seed})`")
    }
}

impl std::error::Error for Counterexample {}
