//! The runtime: the app, and the workers that drive its reactors.
//!
//! ```text
//!  App::start ─▶ supervisor ─┬─▶ claimer ── claim ──▶ lane task ── handle ── ack
//!                            │      ▲                 lane task ── handle ── fail / release
//!                            │      └ signal, poll         ⋮
//!                            ├─▶ renewer ── renews the leases of running lane tasks
//!                            ├─▶ promoter ── moves scheduled messages into their streams at their time
//!                            ├─▶ a ticker per recurrence ── stores a command at each tick
//!                            └─▶ watcher ── reports handlers that are slow
//! ```
//!
//! Nothing elects and nothing rebalances: any number of processes run the same on one database.

mod app;
mod archiving;
mod builder;
mod claimer;
mod dispatch;
mod error;
mod group;
mod health;
mod hooks;
mod in_flight;
mod lane;
mod not_live;
mod options;
mod progress;
mod projection;
mod promoter;
mod receipt;
mod recurring;
mod renewer;
mod rows;
mod running;
mod side_effects;
mod strategy;
mod supervisor;
mod swapper;
mod swapping;
mod ticker;
mod unit;
mod vitals;
mod watcher;

pub use app::{App, Idle};
pub use archiving::{ArchiveError, Truncate};
pub use builder::AppBuilder;
pub use error::{BuildError, DispatchError};
pub use group::GroupRef;
pub use health::{BackendHealth, GroupHealth, Health, TaskHealth, WorkersHealth};
pub use hooks::{FailureHooks, GroupHooks};
pub use in_flight::{Cause, RunningHandler};
pub use not_live::NotLive;
pub use options::{ReactorOptions, WorkerOptions};
pub use progress::{GroupProgress, Pace};
pub use projection::ProjectionRef;
pub use receipt::{Outcome, Place, Receipt};
pub use recurring::Recurring;
pub use rows::RowsOf;
pub use running::{Running, StopReport};
pub use strategy::{ErrorStrategy, FailedAttempt, LastResort, RetryPolicy};
pub use unit::{Unit, UnitError, UnitOutcome};
