//! Where calls are given up: a fresh store, an app on it, and what they share.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use serde_json::json;
use sourced::backend::{
    Backend, Claim, ClaimRequest, Group, GroupOrder, StartFrom, StreamAppend, WorkerId,
};
use sourced::env::{Clock as _, SystemClock};
use sourced::message::Payload;
use sourced::prelude::*;
use sourced::{
    AppBuilder, Every, ExpectedSeq, GroupId, Kind, MessageId, Metadata, NewMessage, ReactorOptions,
    Timestamp, TypeName,
};
use sourced_testing::faulty::{Call, Faults, Trouble};
use sourced_testing::{Faulty, ManualClock};
use sqlx::AssertSqlSafe;

use crate::backends::On;
use crate::cut::pass;
use crate::dice::Dice;
use crate::domain::{Account, Book, Deposit, Ledger, NewTab, Notes, Tab};
use crate::own::Own;

/// Longer than any run: it ends when the clock is moved.
pub const LEASE: Duration = Duration::from_hours(1);
/// Tasks that give calls up at the same time.
pub const TASKS: usize = 4;
/// So many things of a sort a task has.
pub const TURNS: usize = 12;
/// The type of messages that nobody but calls handles.
pub const HAPPENED: &str = "dropping.happened";
/// The metadata that says that a message belongs to a unit.
pub const UNIT: &str = "unit";

/// Shared by the tasks that give calls up.
pub type World = Arc<Place>;

pub struct Place {
    pub on: On,
    pub app: App,
    pub own: Option<Own>,
    /// Where the database is, if it is on a server.
    pub url: String,
    pub clock: ManualClock,
    pub dice: Arc<Dice>,
    n_calls: AtomicU64,
    turns: [AtomicUsize; TASKS],
    /// The process that all calls are made by.
    pub worker: WorkerId,
}

impl Place {
    pub async fn new(on: On, url: &str, seed: u64) -> World {
        let dice = Arc::new(Dice::new(seed));
        // The databases have clocks of their own.
        let clock = ManualClock::starting_at(SystemClock.now());
        let on = match on {
            On::Memory(_) => On::Memory(clock.memory()),
            on => on,
        };
        let own = match &on {
            On::Memory(_) => None,
            on => Own::of(on).await,
        };
        // The first version of the table is made by an earlier program.
        let earlier = builder(&on, &clock, &dice).register::<Tab>().build().await;
        drop(earlier.unwrap());
        let app = registered(builder(&on, &clock, &dice))
            .build()
            .await
            .unwrap();
        let worker = WorkerId::from_uuid(app.env().ids.next_id());
        Arc::new(Self {
            on,
            app,
            own,
            url: url.to_owned(),
            clock,
            dice,
            n_calls: AtomicU64::new(0),
            turns: Default::default(),
            worker,
        })
    }

    /// Starts to build an app on the same store, as another process would.
    pub fn builder(&self) -> AppBuilder {
        builder(&self.on, &self.clock, &self.dice)
    }

    pub fn backend(&self) -> Arc<dyn Backend> {
        Arc::clone(self.app.backend())
    }

    pub fn next_call(&self) -> u64 {
        self.n_calls.fetch_add(1, Ordering::Relaxed)
    }

    pub fn id(&self) -> MessageId {
        MessageId::from_uuid(self.app.env().ids.next_id())
    }

    /// Messages of one call, of which so many or none must be stored; where that is 0, nobody counts.
    pub fn messages(&self, call: u64, of: usize, n: usize) -> Vec<NewMessage> {
        let payload = json!({ "call": call, "of": of }).to_string();
        let message = || {
            NewMessage::root(
                self.id(),
                Timestamp::from_micros(1_700_000_000_000_000),
                TypeName::new(HAPPENED).unwrap(),
                Kind::Event,
                Payload::parse(&payload).unwrap(),
            )
        };
        (0..n).map(|_| message()).collect()
    }

    /// An append of a call that stores nothing else.
    pub fn append(&self, call: u64, stream: &str, n: usize) -> StreamAppend {
        append_of(stream, self.messages(call, n, n))
    }

    /// The app for a unit, which is told by its metadata.
    pub fn of_unit(&self) -> App {
        let metadata = Metadata::new().with(UNIT, "yes");
        self.app.with_metadata(metadata)
    }

    /// Counts up to [`TURNS`] and begins again. What a call that was given up does late, it does to what is used again
    /// much later.
    pub fn turn(&self, task: usize) -> usize {
        self.turns[task].fetch_add(1, Ordering::Relaxed) % TURNS
    }

    /// A group for one sort of calls of a task, with one more message to claim.
    pub async fn work(&self, sort: &str, task: usize) -> GroupId {
        let name = format!("{sort}-{task}");
        let group = GroupId::new(&name).unwrap();
        let backend = self.backend();
        let type_name = TypeName::new(format!("dropping.{}", name.replace('-', "_"))).unwrap();
        let registered = Group {
            id: group.clone(),
            types: vec![type_name.clone()],
            start_from: StartFrom::Beginning,
            order: GroupOrder::PerStream,
        };
        backend.register_group(&registered).await.unwrap();
        backend.start_group(&group).await.unwrap();
        let mut messages = self.messages(0, 0, 1);
        messages[0].type_name = type_name;
        let stream = format!("{name}-{}", self.next_call());
        backend
            .append(vec![append_of(&stream, messages)])
            .await
            .unwrap();
        group
    }

    pub fn request(&self, group: &GroupId) -> ClaimRequest {
        ClaimRequest {
            worker: self.worker,
            groups: vec![group.clone()],
            lanes: 1,
            messages_per_lane: 10,
            bytes: usize::MAX,
            lease: LEASE,
            stretches: Vec::new(),
        }
    }

    /// A claim in a group that has [`Place::work`].
    pub async fn claim(&self, sort: &str, task: usize) -> Claim {
        loop {
            // A claim that was given up may have come before.
            let group = self.work(sort, task).await;
            let claims = self.backend().claim(&self.request(&group)).await;
            if let Some(claim) = claims.unwrap().pop() {
                return claim;
            }
        }
    }

    /// Lets time pass, for leases and pauses.
    pub async fn advance(&self, by: Duration) {
        self.clock.advance(by);
        let micros = i64::try_from(by.as_micros()).unwrap();
        match &self.on {
            On::Memory(_) => {}
            On::Sqlite(..) => {
                let text = format!(
                    "UPDATE sourced_lanes SET leased_until = leased_until - {micros}, available_at = available_at - {micros};
                     UPDATE sourced_groups SET held_until = held_until - {micros}"
                );
                self.execute(text).await;
            }
            On::Postgres(backend) => {
                let schema = backend.schema();
                let text = format!(
                    "UPDATE {schema}.lanes SET due_at = due_at - {micros} * interval '1 microsecond' WHERE due_at IS NOT NULL;
                     UPDATE {schema}.groups SET held_until = held_until - {micros} * interval '1 microsecond'"
                );
                self.execute(text).await;
            }
        }
    }

    async fn execute(&self, text: String) {
        let text = sqlx::raw_sql(AssertSqlSafe(text));
        match self.own.as_ref().unwrap() {
            Own::Sqlite(pool) => drop(text.execute(pool).await.unwrap()),
            Own::Postgres(pool, _) => drop(text.execute(pool).await.unwrap()),
        }
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Place").finish_non_exhaustive()
    }
}

pub fn append_of(stream: &str, messages: Vec<NewMessage>) -> StreamAppend {
    StreamAppend {
        stream: StreamId::new(stream).unwrap(),
        expected: ExpectedSeq::Any,
        messages,
    }
}

/// What every process of these tests registers.
pub fn registered(builder: AppBuilder) -> AppBuilder {
    let by_hand = ReactorOptions::default().swap_by_hand();
    builder
        .register::<Account>()
        .register::<Book>()
        .register::<Ledger>()
        .register::<Notes>()
        .register_with::<NewTab>(by_hand)
        .recurring("deposits", Every(100 * 365 * 24 * LEASE), |_| {
            Deposit { call: 0 }.to("account-1")
        })
}

fn builder(on: &On, clock: &ManualClock, dice: &Arc<Dice>) -> AppBuilder {
    let builder = App::builder_in(clock.env());
    match on {
        On::Memory(memory) => {
            let turns = Turns(Arc::clone(dice));
            builder.backend(Faulty::by(memory.clone(), turns))
        }
        On::Sqlite(backend, _) => builder.backend(backend.clone()),
        On::Postgres(backend) => builder.backend(backend.clone()),
    }
}

/// Memory answers at once: so each of its calls waits some turns before it is made, and before it is answered.
#[derive(Debug)]
struct Turns(Arc<Dice>);

#[async_trait]
impl Faults for Turns {
    async fn around(
        &self,
        _: &Call<'_>,
        go: BoxFuture<'_, Result<(), String>>,
    ) -> Result<(), Trouble> {
        pass(self.0.few(4)).await;
        // What went wrong is told by its answer.
        _ = go.await;
        pass(self.0.few(4)).await;
        Ok(())
    }
}
