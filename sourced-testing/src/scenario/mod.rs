//! Scenarios: several reactors that lead to each other, to the point where nothing moves any more.

mod chain;
mod checks;
mod inline;
mod past;
mod trail;
mod world;

use std::fmt;
use std::future::IntoFuture;
use std::panic::Location;
use std::time::Duration;

use futures_util::future::BoxFuture;
use sourced::actor::{IntoSketches, Sketch};
use sourced::backend::Backend;
use sourced::reactor::Register;
use sourced::{AppBuilder, IntoStreamId, Principal, StreamId, Timestamp};

use crate::ManualClock;
use crate::messages::sketches;
use checks::Check;
use inline::Inline;
use world::World;

/// Starts a scenario of these reactors: `scenario![Order, Payment, Telemetry]`. See [`Scenario`].
#[macro_export]
macro_rules! scenario {
    ($($reactor:ty),+ $(,)?) => {
        $crate::Scenario::new()$(.register::<$reactor>())+
    };
}

/// Tests what several reactors come to together: given a history, when something comes, the messages that follow, and
/// the documents, states and causes.
///
/// It runs a real app with its workers, in memory and with a clock of its own unless it is told
/// [`on`](Scenario::on) what else. After every step it waits until nothing is left to handle. Nothing runs before the
/// scenario is awaited.
///
/// What is *given* was handled before: reactions to it are silent, as in a replay, and projections know it. What comes by
/// *when* is new to all.
///
/// Messages of one stream have an order. Between streams there is none that a program could rely on, so none is compared.
///
/// A handler that fails is not tried again, and fails the scenario unless the test says so.
///
/// ```
/// use sourced::prelude::*;
/// use sourced_testing::{MessagesExt as _, Spans as _, scenario};
///
/// #[derive(Debug, Default)]
/// struct Trial {
///     is_over: bool,
/// }
///
/// #[actor]
/// impl Trial {
///     #[command]
///     fn begin(&self) -> Begun { Begun }
///
///     #[event]
///     fn begun(&mut self) {}
///
///     #[reaction]
///     fn let_it_end(&self, _: &Begun) -> Outgoing<End> { End.after(20.days()) }
///
///     #[command]
///     fn end(&self) -> Ended { Ended }
///
///     #[event]
///     fn ended(&mut self) { self.is_over = true; }
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// scenario![Trial]
///     .when(Begin.to("trial-1"))
///     .then_messages((Begin, Begun).in_stream("trial-1"))
///     .then_scheduled(End.to("trial-1").after(20.days()))
///     .and_then_pass(20.days())
///     .then_new_messages((End, Ended).in_stream("trial-1"))
///     .then_state("trial-1", |trial: &Trial| assert!(trial.is_over))
///     .await;
/// # }
/// ```
///
/// # Panics
/// When it is awaited and something is not as it says; the text begins with the line of that step.
#[must_use = "a scenario does not run before it is awaited"]
pub struct Scenario {
    build: Vec<Build>,
    steps: Vec<Step>,
    here: Option<StreamId>,
    is_on_memory: bool,
    principal: Option<Principal>,
    now: Option<Timestamp>,
}

type Build = Box<dyn FnOnce(AppBuilder) -> AppBuilder + Send>;

struct Step {
    at: &'static Location<'static>,
    act: Act,
}

enum Act {
    Given(Vec<Sketch>),
    When(Vec<Sketch>),
    Pass(Duration),
    Check(Check),
    /// That one of the handlers has failed, with this text.
    Failed(String),
}

impl Scenario {
    /// A scenario of no reactors yet; [`scenario!`](crate::scenario!) names them.
    #[expect(clippy::new_without_default, reason = "a scenario of nothing is none")]
    pub fn new() -> Self {
        Self {
            build: Vec::new(),
            steps: Vec::new(),
            here: None,
            is_on_memory: true,
            principal: None,
            now: None,
        }
    }

    /// Adds a reactor.
    pub fn register<R: Register + 'static>(self) -> Self {
        self.app(AppBuilder::register::<R>)
    }

    /// Adds what handlers may ask for as [`Res<T>`](sourced::Res). To look at it afterwards, give an `Arc` of it, or one
    /// that shares what it holds.
    pub fn with<T: Send + Sync + 'static>(self, resource: T) -> Self {
        self.app(|app| app.resource(resource))
    }

    /// Stores on this backend, which nobody else uses at the time, instead of in memory: for projections that are tables.
    /// Time cannot be moved there.
    pub fn on(mut self, backend: impl Backend) -> Self {
        self.is_on_memory = false;
        self.app(|app| app.backend(backend))
    }

    /// Changes how the app is built: what recurs, how workers work.
    pub fn app(mut self, build: impl FnOnce(AppBuilder) -> AppBuilder + Send + 'static) -> Self {
        self.build.push(Box::new(build));
        self
    }

    /// Names the stream of all messages that do not say theirs.
    ///
    /// # Panics
    /// When no stream can have that name.
    #[track_caller]
    pub fn stream(mut self, stream: impl IntoStreamId) -> Self {
        match stream.into_stream_id() {
            Ok(stream) => self.here = Some(stream),
            Err(error) => panic!("{error}"),
        }
        self
    }

    /// On whose behalf the messages come that do not say so themselves.
    pub fn by(mut self, principal: Principal) -> Self {
        self.principal = Some(principal);
        self
    }

    /// What time it is when the scenario begins. Some moment of the year 2023 when nothing is said.
    ///
    /// # Panics
    /// When it is awaited and runs [`on`](Self::on) a backend whose clock nobody can set.
    pub fn now(mut self, now: Timestamp) -> Self {
        self.now = Some(now);
        self
    }

    /// This has happened, and everything that had to follow, too: it is handled as in a replay.
    ///
    /// # Panics
    /// When a message cannot be written down.
    #[track_caller]
    pub fn given(self, history: impl IntoSketches) -> Self {
        let history = sketches(history);
        self.step(Act::Given(history))
    }

    /// These commands are dispatched, and these events happen; the reactors handle them and all that follows.
    ///
    /// # Panics
    /// When a message cannot be written down.
    #[track_caller]
    pub fn when(self, messages: impl IntoSketches) -> Self {
        let messages = sketches(messages);
        self.step(Act::When(messages))
    }

    /// So much time passes. What is scheduled or recurs in it comes at its time, and what follows from it too.
    #[track_caller]
    pub fn and_then_pass(self, time: Duration) -> Self {
        self.step(Act::Pass(time))
    }

    /// One handler has failed, with this text: that of the failure and its causes.
    #[track_caller]
    pub fn then_failed_saying(self, expected: impl Into<String>) -> Self {
        let expected = expected.into();
        self.step(Act::Failed(expected))
    }

    #[track_caller]
    fn step(mut self, act: Act) -> Self {
        let at = Location::caller();
        self.steps.push(Step { at, act });
        self
    }

    async fn run(self) {
        let (spawner, tasks) = Inline::new();
        tasks.beside(self.play(spawner)).await;
    }

    async fn play(self, spawner: Inline) {
        assert!(
            self.is_on_memory || self.now.is_none(),
            "`now` sets the clock of a scenario in memory, and this one runs on a backend with a clock of its own\n\nhelp: remove `.now(..)` or `.on(..)`"
        );
        let clock = self
            .now
            .map_or_else(ManualClock::new, ManualClock::starting_at);
        let simulated = self.is_on_memory.then_some((clock, spawner));
        let mut world = World::build(self.build, simulated, self.here, self.principal).await;
        let mut last = None;
        for Step { at, act } in self.steps {
            last = Some(at);
            if let Err(text) = world.act(act).await {
                panic!("the scenario fails at {at}\n\n{text}");
            }
        }
        if let (Err(text), Some(at)) = (world.nothing_failed(), last) {
            panic!("the scenario fails at {at}\n\n{text}");
        }
    }
}

impl IntoFuture for Scenario {
    type Output = ();
    type IntoFuture = BoxFuture<'static, ()>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

impl fmt::Debug for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scenario")
            .field("n_steps", &self.steps.len())
            .finish_non_exhaustive()
    }
}
