//! One history, from its plan to what came of it.

mod changes;
mod operator;
mod passing;
mod processes;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use sourced::backend::Table;
use sourced::backend::{Log as _, Signal};
use sourced::{GroupId, Memory};

use super::executor::{Executor, Life, Step};
use super::fault::{Mishap, Point, Weather};
use super::figures::Figures;
use super::link::Link;
use super::outside::Things;
use super::panics;
use super::plan::{CallId, Decision, Plan};
use super::process::{Process, Role, SimulatedClock, ports};
use super::setup::Setup;
use super::story::Story;
use super::world::World;

/// A history that runs longer than this with nothing to wait for never ends.
const MAX_POLLS: u64 = 5_000_000;

/// Things are quiet when nothing was to do for so long.
const QUIET: u64 = 2_000_000;

/// What came of a history.
pub(super) struct Ran {
    pub(super) broken: Option<Broken>,
    /// What happened and need not have.
    pub(super) decisions: Vec<Decision>,
    pub(super) figures: Figures,
    pub(super) story: Story,
}

/// What did not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Broken {
    pub(super) invariant: String,
    pub(super) how: String,
}

/// Whether a history is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Telling {
    Story,
    Nothing,
}

/// Lets a plan become a history.
pub(super) fn run(setup: &Arc<Setup>, plan: &Plan, telling: Telling) -> Ran {
    let run = Arc::new(Run::new(setup, plan.clone(), telling));
    panics::quietly(|| {
        if catch_unwind(AssertUnwindSafe(|| run.observe())).is_err() {
            run.breaks("the app can be built", panics::last());
        }
        run.drive();
        if run.lock().broken.is_none() {
            run.look(&run.setup.finally);
        }
        // They hold what holds them.
        run.world().take();
        run.executor.clear();
    });
    let mut state = run.lock();
    let mut figures = std::mem::take(&mut state.figures);
    figures.histories = 1;
    figures.messages = now(run.memory.log_end()).get();
    figures.steps = run.executor.n_polls();
    figures.time = Duration::from_micros(run.executor.now());
    Ran {
        broken: state.broken.take(),
        decisions: std::mem::take(&mut state.decisions),
        figures,
        story: run.story().take().unwrap_or_default(),
    }
}

pub(super) struct Run {
    setup: Arc<Setup>,
    plan: Plan,
    weather: Weather,
    executor: Arc<Executor>,
    memory: Memory,
    things: Arc<Things>,
    state: Mutex<State>,
    /// Empty before the beginning and after the end.
    world: Mutex<Option<World>>,
    story: Mutex<Option<Story>>,
}

#[derive(Default)]
struct State {
    /// How often each sort of call was made.
    n_calls: HashMap<u64, u64>,
    decisions: Vec<Decision>,
    broken: Option<Broken>,
    figures: Figures,
    /// Of the processes that are alive.
    signals: BTreeMap<Life, Signal>,
    groups: Vec<GroupId>,
    /// Of the groups that have one.
    tables: BTreeMap<GroupId, Table>,
    n_lives: u64,
    n_clients: usize,
    n_under_way: usize,
    is_calm: bool,
    /// When something happened last that clients, schedules or recurrences ask for.
    active_at: u64,
    /// How long it had run when time was last let pass for what comes by itself.
    n_polls_before: u64,
}

impl Run {
    fn new(setup: &Arc<Setup>, plan: Plan, telling: Telling) -> Self {
        let executor = Executor::new(plan.order());
        let clock = SimulatedClock::new(&executor, 0);
        Self {
            setup: Arc::clone(setup),
            weather: Weather::of(plan.seed, &setup.faults),
            plan,
            memory: Memory::with_clock(Arc::new(clock)),
            executor,
            things: Arc::default(),
            state: Mutex::default(),
            world: Mutex::default(),
            story: Mutex::new((telling == Telling::Story).then(Story::default)),
        }
    }

    pub(super) fn executor(&self) -> &Arc<Executor> {
        &self.executor
    }

    pub(super) fn things(&self) -> &Things {
        &self.things
    }

    /// Builds the app for those who look.
    fn observe(self: &Arc<Self>) {
        let clock = SimulatedClock::new(&self.executor, 0);
        let link = Link::new(self, Role::Observer, Life::OUTSIDE, clock.clone());
        let env = ports(&self.executor, Life::OUTSIDE, &clock, self.plan.seed);
        let builder = (self.setup.app)(&Process { link }).env(env);
        let app = builder.backend(self.memory.clone()).build().now_or_never();
        let app = app.unwrap_or_else(|| panic!("memory answers at once"));
        let app = app.unwrap_or_else(|error| panic!("the app cannot be built: {error}"));
        let groups = now(app.backend().groups()).into_iter();
        self.lock().groups = groups.map(|group| group.id).collect();
        let world = World::new(app, self.memory.clone(), Arc::clone(&self.things));
        *self.world() = Some(world);
    }

    /// Lets everything happen.
    fn drive(self: &Arc<Self>) {
        (0..self.plan.n_workers).for_each(|nth| self.boot(Role::Worker(nth)));
        if self.setup.workload.is_some() {
            self.lock().n_clients = self.setup.n_clients;
            (0..self.setup.n_clients).for_each(|nth| self.boot(Role::Client(nth)));
        }
        let mut quiet_since = None;
        while self.lock().broken.is_none() {
            match self.executor.step() {
                Step::Ran if self.n_polls_in_vain() > MAX_POLLS => {
                    self.breaks(
                        "the app comes to rest",
                        "it runs on and on without waiting".into(),
                    );
                }
                Step::Ran => {}
                Step::Panicked => self.breaks("nothing panics", panics::last()),
                Step::Idle if self.is_quiet() => {
                    let now = self.executor.now();
                    let since = *quiet_since.get_or_insert(now);
                    if now < since + QUIET {
                        self.executor.pass_time();
                    } else if !self.jump_to_what_is_next() {
                        return;
                    }
                }
                Step::Idle => {
                    quiet_since = None;
                    self.executor.pass_time();
                    self.watch_the_time();
                }
                Step::Dead => {
                    self.breaks(
                        "the app comes to rest",
                        "everybody waits for somebody".into(),
                    );
                }
            }
        }
    }

    /// Names the next call of a sort.
    pub(super) fn next_call(&self, sort: u64) -> CallId {
        let mut state = self.lock();
        let n_calls = state.n_calls.entry(sort).or_default();
        *n_calls += 1;
        CallId {
            sort,
            nth: *n_calls,
        }
    }

    /// How long the way there takes.
    pub(super) fn way_there(&self, call: CallId) -> Duration {
        Duration::from_micros(self.plan.latency(call, 3))
    }

    /// How long the way back takes.
    pub(super) fn way_back(&self, call: CallId) -> Duration {
        Duration::from_micros(self.plan.latency(call, 4))
    }

    /// What goes wrong there.
    pub(super) fn decide(&self, call: CallId, point: Point) -> Option<Mishap> {
        let mut state = self.lock();
        let mishap = match &self.plan.only {
            Some(only) => only.mishaps.get(&call).copied(),
            None if state.is_calm => None,
            None => self.weather.at(call.number(), point),
        }?;
        state.decisions.push(Decision::Mishap(call, mishap));
        *state.figures.faults.entry(mishap.fault).or_default() += 1;
        Some(mishap)
    }

    /// A call that things cannot be quiet before the end of.
    pub(super) fn under_way(&self) -> UnderWay<'_> {
        self.lock().n_under_way += 1;
        UnderWay(self)
    }

    fn is_active(&self) {
        let now = self.executor.now();
        self.lock().active_at = now;
    }

    fn breaks(&self, invariant: &str, how: String) {
        let mut state = self.lock();
        state.broken.get_or_insert(Broken {
            invariant: invariant.to_owned(),
            how,
        });
    }

    fn world(&self) -> MutexGuard<'_, Option<World>> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn story(&self) -> MutexGuard<'_, Option<Story>> {
        self.story.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A call that is on its way.
pub(super) struct UnderWay<'a>(&'a Run);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.lock().n_under_way -= 1;
    }
}

/// What memory answers at once.
fn now<T, E: fmt::Display>(answer: impl Future<Output = Result<T, E>>) -> T {
    match answer.now_or_never() {
        Some(Ok(answer)) => answer,
        Some(Err(error)) => panic!("{error}"),
        None => panic!("memory answers at once"),
    }
}
