//! A simulator: the user's own reactors and the library's own workers under a deterministic scheduler, clock and chance,
//! while everything goes wrong that may.

mod client;
mod counterexample;
mod dice;
mod executor;
mod fault;
mod figures;
mod link;
mod outside;
mod panics;
mod plan;
mod process;
mod run;
mod seeds;
mod setup;
mod shrink;
mod story;
mod world;

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use sourced::backend::Backend;
use sourced::{AppBuilder, Failure, Memory};

pub use client::Client;
pub use counterexample::Counterexample;
pub use dice::Dice;
pub use fault::Fault;
pub use figures::Figures;
pub use outside::{Outside, Unreachable};
pub use process::Process;
pub use world::World;

use crate::faulty::Faulty;
use plan::Plan;
use run::{Telling, run};
use seeds::{asked_for, histories, on_a_thread};
use setup::Setup;

/// Simulates an app: several processes that work on one storage, and clients that use them.
///
/// Each seed is a *history* of its own: the app is built anew for each process, by `app`, with ports of the simulator's and
/// a storage behind a network of the simulator's. The reactors and workers are the real ones. Which task runs next, what
/// goes wrong and what the clients do is drawn from the seed, so the same seed is the same history again.
///
/// Where an invariant does not hold, [`check`](Simulation::check) looks for the shortest history that breaks it, and tells
/// it as a story.
///
/// ```
/// use sourced::prelude::*;
/// use sourced_testing::simulate;
///
/// #[derive(Debug, Default)]
/// struct Seat {
///     is_taken: bool,
/// }
///
/// #[derive(Debug, thiserror::Error)]
/// #[error("somebody sits here")]
/// struct Taken;
///
/// #[actor]
/// impl Seat {
///     #[command]
///     fn take(&self, by: usize) -> Result<WasTaken, Taken> {
///         if self.is_taken { Err(Taken) } else { Ok(WasTaken { by }) }
///     }
///
///     #[event]
///     fn was_taken(&mut self, by: usize) {
///         self.is_taken = true;
///     }
/// }
///
/// simulate(|_| App::builder().register::<Seat>())
///     .workload(async |client| {
///         let (by, seat) = (client.number(), client.dice().below(3));
///         client.dispatch(|| Take { by }.to(format!("seat-{seat}"))).await?;
///         Ok(())
///     })
///     .always("nobody sits on another", |world| {
///         for seat in 0..3 {
///             let stream = world.stream(format!("seat-{seat}"));
///             let taken = stream.iter().filter(|message| message.type_name.as_str() == "seat.was_taken");
///             assert!(taken.count() <= 1, "seat-{seat} is taken twice");
///         }
///     })
///     .seeds(0..20)
///     .check();
/// ```
pub fn simulate(app: impl Fn(&Process) -> AppBuilder + Send + Sync + 'static) -> Simulation {
    Simulation {
        setup: Setup {
            app: Box::new(app),
            storage: Box::new(|app, memory, link| app.backend(Faulty::by(memory, link))),
            workload: None,
            n_workers: 2,
            n_clients: 2,
            n_steps: 4,
            faults: Fault::ALL.to_vec(),
            always: Vec::new(),
            finally: Vec::new(),
            horizon: Duration::from_hours(24 * 400),
            at_least: Duration::ZERO,
            patience: Duration::from_mins(30),
        },
        seeds: 0..100,
    }
}

/// Histories of an app, to be told apart by their seeds. Made by [`simulate`].
#[derive(Debug)]
#[must_use = "nothing is simulated before `check` or `run`"]
pub struct Simulation {
    setup: Setup,
    seeds: Range<u64>,
}

impl Simulation {
    /// What a client does in one step; each of them takes [`steps`](Self::steps) of them, one after the other. What it
    /// chooses, it chooses with its [`dice`](Client::dice).
    ///
    /// A failure is a client that gives up, and breaks nothing. A panic does.
    pub fn workload<F>(mut self, step: impl Fn(Client) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        self.setup.workload = Some(Box::new(move |client| Box::pin(step(client))));
        self
    }

    /// What has to hold whenever something was stored, or called outside. It says no by a panic, such as that of `assert!`.
    pub fn always(
        mut self,
        name: impl Into<String>,
        holds: impl Fn(&World) + Send + Sync + 'static,
    ) -> Self {
        self.setup.always.push((name.into(), Box::new(holds)));
        self
    }

    /// What has to hold in the end: when the clients have gone, nothing goes wrong any more, and everything is handled that
    /// can be. It says no by a panic, such as that of `assert!`.
    ///
    /// That everything comes to rest is an invariant, too, which every simulation has.
    pub fn finally(
        mut self,
        name: impl Into<String>,
        holds: impl Fn(&World) + Send + Sync + 'static,
    ) -> Self {
        self.setup.finally.push((name.into(), Box::new(holds)));
        self
    }

    /// So many processes work; 2 by default.
    pub fn workers(mut self, n_workers: usize) -> Self {
        self.setup.n_workers = n_workers;
        self
    }

    /// So many clients at the same time; 2 by default.
    pub fn clients(mut self, n_clients: usize) -> Self {
        self.setup.n_clients = n_clients;
        self
    }

    /// So many steps of each client; 4 by default.
    pub fn steps(mut self, n_steps: usize) -> Self {
        self.setup.n_steps = n_steps;
        self
    }

    /// Lets only this go wrong; [`Fault::ALL`] by default.
    pub fn faults(mut self, faults: impl IntoIterator<Item = Fault>) -> Self {
        self.setup.faults = faults.into_iter().collect();
        self
    }

    /// Waits for what is scheduled up to so long after the beginning; 400 days by default. Time passes at once when there
    /// is nothing else to do.
    pub fn horizon(mut self, horizon: Duration) -> Self {
        self.setup.horizon = horizon;
        self
    }

    /// Lets each history go on for so long at least, also when there is nothing to do: for what recurs. Every tick until then
    /// comes at its time, as far as somebody lives to make it; a history ends with no tick owed. Time passes at once from one
    /// tick to the next, and each costs about as much as a message. Without it nobody waits for a tick.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use sourced::prelude::*;
    /// use sourced::Every;
    /// use sourced_testing::simulate;
    ///
    /// #[derive(Debug, Default)]
    /// struct Report;
    ///
    /// #[actor]
    /// impl Report {
    ///     #[command]
    ///     fn write(&self) -> Written { Written }
    ///
    ///     #[event]
    ///     fn written(&mut self) {}
    /// }
    ///
    /// simulate(|_| {
    ///     let app = App::builder().register::<Report>();
    ///     app.recurring("report", Every(Duration::from_hours(24)), |_| Write.to("reports"))
    /// })
    /// .for_at_least(Duration::from_hours(24 * 7))
    /// .finally("there is a report of each day", |world| {
    ///     let writes = world.messages::<Write>();
    ///     let ticks = writes.iter().filter_map(|write| write.metadata.tick());
    ///     let missed: u32 = ticks.map(|tick| tick.missed).sum();
    ///     assert_eq!(world.events::<Written>().len() as u32 + missed, 7);
    /// })
    /// .seeds(0..10)
    /// .check();
    /// ```
    pub fn for_at_least(mut self, time: Duration) -> Self {
        self.setup.at_least = time;
        self
    }

    /// After so much time in which nothing comes to an end, the app does not come to rest; half an hour by default.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.setup.patience = patience;
        self
    }

    /// Puts something between the network and the storage. One that breaks a promise shows whether the invariants would
    /// notice.
    pub fn storage<B: Backend>(
        mut self,
        wrap: impl Fn(Memory) -> B + Send + Sync + 'static,
    ) -> Self {
        self.setup.storage =
            Box::new(move |app, memory, link| app.backend(Faulty::by(wrap(memory), link)));
        self
    }

    /// The seeds; `0..100` by default.
    pub fn seeds(mut self, seeds: Range<u64>) -> Self {
        self.seeds = seeds;
        self
    }

    /// One seed.
    pub fn seed(self, seed: u64) -> Self {
        self.seeds(seed..seed + 1)
    }

    /// Simulates all seeds, or those that the environment variable `SOURCED_SEED` names: `17`, or `0..100000`.
    ///
    /// # Panics
    /// When an invariant does not hold, with the story.
    #[track_caller]
    pub fn check(self) -> Figures {
        match self.run() {
            Ok(figures) => figures,
            Err(counterexample) => panic!("{counterexample}"),
        }
    }

    /// As [`check`](Self::check), for those who want to look at what was found.
    ///
    /// # Errors
    /// [`Counterexample`] of the first seed that has one.
    ///
    /// # Panics
    /// When `SOURCED_SEED` says nothing that can be understood.
    pub fn run(self) -> Result<Figures, Box<Counterexample>> {
        let seeds = asked_for().unwrap_or(self.seeds);
        let setup = Arc::new(self.setup);
        let (figures, found) = histories(&setup, seeds);
        match found {
            None => Ok(figures),
            Some((seed, ran)) => Err(Box::new(Counterexample::of(&setup, seed, &ran))),
        }
    }

    /// All that happens in the history of one seed, call by call. The same seed has the same trace; where it has not, the
    /// app has a clock, a chance or an order of its own.
    pub fn trace(self, seed: u64) -> String {
        let plan = Plan::of(seed, self.setup.n_workers);
        let setup = Arc::new(self.setup);
        on_a_thread(|| run(&setup, &plan, Telling::Story).story.into_trace())
    }
}
