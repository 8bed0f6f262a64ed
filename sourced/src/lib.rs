#![doc = include_str!("../README.md")]
//!
//! # Where to look
//!
//! | you want to | read |
//! |---|---|
//! | write a domain type | [`macro@actor`], [`macro@projector`], [`macro@handler`], [`macro@command`], [`macro@event`] |
//! | keep a read model as a table, and query it | [`table`], [`derive@Projection`], [`App::rows`]; `docs/projections.md` in the repository |
//! | build an app and call it | [`App`], [`AppBuilder`], [`ActorRef`], [`Receipt`]; `docs/app.md` in the repository |
//! | change what is stored | [`macro@event`], [`message`]; `docs/messages.md` in the repository |
//! | send a command later | [`Outgoing::after`], [`Outgoing::at`], [`App::dispatch`], [`App::scheduled`] |
//! | send a command again and again | [`AppBuilder::recurring`], [`Every`], `Cron`, [`CatchUp`], [`Tick`] |
//! | know what a stored message carries | [`Message`], [`message`] |
//! | know what handlers may ask for | [`Res`], [`Now`], [`Replaying`], [`History`], [`Other`], [`Emitter`] |
//! | let clients send commands | [`Gateway`], [`Registry`], [`Principal`] |
//! | see what leads to what | [`App::topology`], [`topology`] |
//! | tune the workers | [`WorkerOptions`], [`ReactorOptions`] |
//! | say what happens when a handler fails | [`RetryPolicy`], [`ErrorStrategy`], [`FailureHooks`], [`Failure::permanent`] |
//! | see how groups are doing, and let parked streams go on | [`App::groups`], [`GroupRef`] |
//! | watch a running app | [`App::health`], [`message::Traceparent`]; `docs/operations.md` in the repository |
//! | write a backend | [`backend`], and the conformance suite in `sourced-testing` |
//!
//! # Features
//!
//! | feature | default | what it adds |
//! |---|---|---|
//! | `macros` | yes | the attribute macros |
//! | `chrono` | no | columns of the type `chrono::NaiveDate` in tables |
//! | `cron` | no | recurring messages by cron expressions, in time zones |
//! | `garde` | no | rules of `#[derive(garde::Validate)]` commands are checked at the edge and where they are dispatched |
//! | `metrics` | no | counters, histograms and gauges by the `metrics` facade |
//! | `otel` | no | spans of handlers continue the OpenTelemetry trace that their message belongs to |
//! | `schema` | no | JSON Schema of messages that `#[derive(schemars::JsonSchema)]` |
//! | `tokio` | yes | clock, tasks and signals of tokio; without it, bring your own ports of [`mod@env`] |

pub mod actor;
pub mod backend;
pub mod edge;
pub mod env;
pub mod evolve;
mod failure;
pub mod handler;
pub mod message;
pub mod prelude;
pub mod projector;
pub mod reactor;
pub mod reader;
pub mod recurrence;
pub mod registry;
pub mod runtime;
mod stream;
pub mod table;
mod telemetry;
mod time;
pub mod topology;

#[doc(hidden)]
pub mod __private;

pub use actor::Rejected;
pub use actor::{
    Actor, ActorRef, AnyCommand, CommandError, CommandExt, Elsewhere, Emitter, Loaded, Other,
    Outgoing,
};
pub use backend::{ExpectedSeq, Memory, Selection, Tx};
pub use edge::{Denied, EdgeError, Gateway};
pub use failure::{Failure, FailureError};
pub use message::{
    BrokenRule, BrokenRules, Command, CorrelationId, Event, Kind, Message, MessageId, MessageType,
    Metadata, NewMessage, Payload, PayloadError, Principal, ReservedKey, StoredMessage, Tick,
    TypeName,
};
pub use projector::Projector;
pub use reactor::{DocumentReader, History, Now, Replaying, Res, SeenError};
pub use reader::{Feed, Reader, TypedFeed};
pub use recurrence::{CatchUp, Every, Ticks};
#[cfg(feature = "cron")]
pub use recurrence::{Cron, CronError};
pub use registry::Registry;
pub use runtime::{
    App, AppBuilder, ArchiveError, BuildError, DispatchError, ErrorStrategy, FailedAttempt,
    FailureHooks, GroupHooks, GroupProgress, GroupRef, Health, Idle, LastResort, NotLive, Outcome,
    Pace, Place, ProjectionRef, ReactorOptions, Receipt, Recurring, RetryPolicy, RowsOf, Running,
    StopReport, Truncate, Unit, UnitError, UnitOutcome, WorkerOptions,
};
pub use stream::{GroupId, IntoStreamId, InvalidName, Position, RecurrenceId, Seq, StreamId};
pub use table::{Delete, RowChange};
pub use time::{InvalidTimestamp, Timestamp};
pub use topology::Topology;

#[cfg(feature = "macros")]
pub use sourced_macros::{
    Projection, actor, after_sync, before_evolve, command, event, handler, on, projector, reaction,
    state, sync,
};
