//! What a scenario runs in: an app, its clock, and what has happened so far.

use std::sync::Arc;
use std::time::Duration;

use futures_util::TryStreamExt as _;
use sourced::actor::{Sketch, Target};
use sourced::backend::{Refusal, StreamAppend};
use sourced::env::{Clock as _, Env};
use sourced::{
    App, ExpectedSeq, Kind, MessageId, Position, Principal, RetryPolicy, Selection, StoredMessage,
    StreamId, Timestamp, WorkerOptions,
};

use super::inline::Inline;
use super::trail::Trail;
use super::{Act, Build, past};
use crate::ManualClock;

/// More would be a loop.
const MOST_STEPS_OF_TIME: usize = 10_000;

pub(super) struct World {
    pub(super) app: App,
    /// None, where the clock is that of a database.
    clock: Option<ManualClock>,
    pub(super) here: Option<StreamId>,
    principal: Option<Principal>,
    /// Where the log ended before the scenario.
    start: Position,
    /// Where it ended before the last thing that came.
    since: Position,
    /// What the test itself has made come.
    told: Vec<MessageId>,
    /// What failed since the last step.
    failed: Vec<Failed>,
}

/// A message that a handler failed with.
struct Failed {
    story: String,
    error: String,
}

impl World {
    pub(super) async fn build(
        build: Vec<Build>,
        simulated: Option<(ManualClock, Inline)>,
        here: Option<StreamId>,
        principal: Option<Principal>,
    ) -> Self {
        let clock = simulated.as_ref().map(|(clock, _)| clock.clone());
        let builder = match simulated {
            Some((clock, spawner)) => {
                let spawner = Arc::new(spawner);
                let env = Env {
                    spawner,
                    ..clock.env()
                };
                App::builder_in(env).backend(clock.memory())
            }
            None => App::builder(),
        };
        // One stream at a time, so that a scenario comes out the same; and a failure is told to the test at once.
        let options = WorkerOptions::default()
            .lanes(1)
            .retry(RetryPolicy::never());
        let builder = build
            .into_iter()
            .fold(builder.workers(options), |builder, build| build(builder));
        let app = match builder.build().await {
            Ok(app) => app,
            Err(error) => panic!("the app of the scenario does not fit together: {error}"),
        };
        let mut world = Self {
            app,
            clock,
            here,
            principal,
            start: Position::START,
            since: Position::START,
            told: Vec::new(),
            failed: Vec::new(),
        };
        if let Err(text) = world.begin().await {
            panic!("the scenario cannot begin: {text}");
        }
        world
    }

    /// What recurs counts from the first time that workers run.
    async fn begin(&mut self) -> Result<(), String> {
        self.start = self.log_end().await?;
        self.since = self.start;
        self.drain().await
    }

    pub(super) async fn act(&mut self, act: Act) -> Result<(), String> {
        if !matches!(act, Act::Failed(_)) {
            self.nothing_failed()?;
        }
        match act {
            Act::Given(history) => self.given(history).await,
            Act::When(messages) => self.when(messages).await,
            Act::Pass(time) => self.pass(time).await,
            Act::Check(check) => check(self).await,
            Act::Failed(expected) => self.has_failed(&expected),
        }
    }

    /// Tells what failed and was not expected to.
    pub(super) fn nothing_failed(&self) -> Result<(), String> {
        match self.failed.first() {
            Some(failed) => Err(failed.story.clone()),
            None => Ok(()),
        }
    }

    fn has_failed(&mut self, expected: &str) -> Result<(), String> {
        let before = self.failed.len();
        self.failed.retain(|failed| failed.error != expected);
        if self.failed.len() < before {
            return Ok(());
        }
        self.nothing_failed()?;
        Err(format!(
            "nothing failed, and this was expected to: {expected}"
        ))
    }

    async fn given(&mut self, history: Vec<Sketch>) -> Result<(), String> {
        let before = self.log_end().await?;
        for sketch in history {
            self.append(sketch).await?;
        }
        past::settle(&self.app, before).await.map_err(text)?;
        self.drain().await?;
        self.since = self.log_end().await?;
        Ok(())
    }

    async fn when(&mut self, messages: Vec<Sketch>) -> Result<(), String> {
        self.since = self.log_end().await?;
        self.told.clear();
        for mut sketch in messages {
            sketch.principal = sketch.principal.or(self.principal.clone());
            if sketch.kind == Kind::Event {
                let event = self.append(sketch).await?;
                self.told.push(event);
                continue;
            }
            if sketch.target == Target::SameStream {
                sketch.target = Target::Stream(self.place_of(&sketch)?);
            }
            if let Some(command) = sketch.into_command() {
                let receipt = self.app.dispatch(command).await.map_err(text)?;
                self.told.push(receipt.id);
            }
        }
        self.drain().await
    }

    /// Lets time pass from one thing that is due to the next.
    async fn pass(&mut self, time: Duration) -> Result<(), String> {
        let Some(clock) = self.clock.clone() else {
            return Err("time cannot be moved on this backend, whose clock is its own\n\nhelp: leave `.on(..)` out, and the scenario runs in memory".into());
        };
        self.since = self.log_end().await?;
        self.told.clear();
        let until = clock.now().saturating_add(time);
        for _ in 0..MOST_STEPS_OF_TIME {
            let next = self.next_due().await?.filter(|next| *next <= until);
            let to = next.unwrap_or(until);
            clock.advance(to.saturating_since(clock.now()));
            self.drain().await?;
            if next.is_none() {
                return Ok(());
            }
        }
        Err(format!(
            "more than {MOST_STEPS_OF_TIME} things are due in that time"
        ))
    }

    /// The next time at which something comes by itself.
    async fn next_due(&self) -> Result<Option<Timestamp>, String> {
        let scheduled = self.app.scheduled(None, 1).await.map_err(text)?;
        let recurring = self.app.recurring().await.map_err(text)?;
        let scheduled = scheduled.first().map(|first| first.at);
        let recurring = recurring.iter().filter_map(|one| one.next).min();
        Ok(scheduled.into_iter().chain(recurring).min())
    }

    /// Lets the workers handle everything, and notes what failed.
    async fn drain(&mut self) -> Result<(), String> {
        let workers = self.app.start();
        let idle = self.idle().await;
        workers.stop().await;
        idle?;
        let backend = self.app.backend();
        for group in backend.groups().await.map_err(text)? {
            for parked in backend.parked(&group.id, None, 100).await.map_err(text)? {
                let failure = parked.failure;
                let story = format!(
                    "`{}` failed with `{}` at seq {} of `{}`: {}",
                    group.id, failure.type_name, failure.seq, parked.stream, failure.error
                );
                if !self.failed.iter().any(|failed| failed.story == story) {
                    let error = failure.error;
                    self.failed.push(Failed { story, error });
                }
            }
        }
        Ok(())
    }

    /// What is due by a rule has no message to wait for before it is made.
    async fn idle(&self) -> Result<(), String> {
        loop {
            self.app.idle().await.map_err(text)?;
            if self.has_no_tick_to_make().await? {
                return self.app.idle().await.map(|_| ()).map_err(text);
            }
            tokio::task::yield_now().await;
        }
    }

    async fn has_no_tick_to_make(&self) -> Result<bool, String> {
        for one in self.app.recurring().await.map_err(text)? {
            let seen = self.app.backend().progress(&one.id).await.map_err(text)?;
            let is_begun = seen
                .progress
                .is_some_and(|progress| progress.rule == one.rule);
            if !is_begun || one.overdue > 0 {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn append(&self, sketch: Sketch) -> Result<MessageId, String> {
        let stream = self.place_of(&sketch)?;
        let env = self.app.env();
        let message = sketch.into_message(env.ids.next_id().into(), env.clock.now());
        let message = message.map_err(|failure| failure.chain())?;
        let id = message.id;
        let append = StreamAppend {
            stream,
            expected: ExpectedSeq::Any,
            messages: vec![message],
        };
        self.app
            .backend()
            .append(vec![append])
            .await
            .map_err(text)?;
        Ok(id)
    }

    /// The stream of a message of the test.
    pub(super) fn place_of(&self, sketch: &Sketch) -> Result<StreamId, String> {
        if let Target::Stream(stream) = &sketch.target {
            return Ok(stream.clone());
        }
        self.here.clone().ok_or_else(|| {
            format!(
                "`{}` says no stream\n\nhelp: `.in_stream(\"…\")`, or `.stream(\"…\")` for all that say none",
                sketch.type_name
            )
        })
    }

    /// Everything since the scenario began.
    pub(super) async fn trail(&self) -> Result<Trail, String> {
        let since = self.app.log(Selection::all().after(self.start));
        let messages: Vec<StoredMessage> = since.stream().try_collect().await.map_err(text)?;
        let ids: Vec<_> = messages.iter().map(|message| message.id).collect();
        let refusals = self.app.backend().refusals(&ids).await.map_err(text)?;
        Ok(Trail { messages, refusals })
    }

    /// Whether a message came by itself since the last step.
    pub(super) fn is_new(&self, message: &StoredMessage) -> bool {
        message.position > self.since && !self.told.contains(&message.id)
    }

    /// What the commands of the last step were refused for.
    pub(super) async fn refusals(&self) -> Result<Vec<Refusal>, String> {
        self.app.backend().refusals(&self.told).await.map_err(text)
    }

    pub(super) fn now(&self) -> Timestamp {
        self.app.env().clock.now()
    }

    async fn log_end(&self) -> Result<Position, String> {
        self.app.backend().log_end().await.map_err(text)
    }
}

/// The text of an error that nobody expects.
pub(super) fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
