//! The PostgreSQL backend of `sourced`.
//!
//! It needs PostgreSQL 13 or newer and one database. Everything it keeps lies in a schema of its own, `sourced` unless
//! told otherwise; the role that connects first must be allowed to create it, later ones need no more than to use it.
//! The database is set up, and brought up to date, when a program connects.
//!
//! ```no_run
//! use sourced_postgres::Postgres;
//!
//! # async fn connect() -> Result<(), sourced::backend::BackendError> {
//! let backend = Postgres::connect("postgres://app@localhost/shop").await?;
//!
//! // Or, with more to say:
//! let backend = Postgres::builder("postgres://app@localhost/shop")
//!     .schema("shop_events")
//!     .pool_size(20)
//!     .connect()
//!     .await?;
//! # Ok(())
//! # }
//! ```
//!
//! # What it promises, and how
//!
//! An append locks its streams' rows, then draws positions from a sequence; so positions inside a stream are committed
//! in order, while those of different streams may come late. Readers of the whole log stop before the first position
//! whose writer is not done. Consumer groups do not stop there: they remember the holes and come back for them, so a
//! writer that keeps its transaction open delays nobody else.
//!
//! Claims commit without waiting for the disk, since a crash that takes them back only gives the work to somebody else.
//! Appends and acknowledgements always wait.
//!
//! # Projections in SQL
//!
//! [`PostgresTx`] gives the connection of the acknowledging transaction, so that SQL of your own commits together with
//! the progress.

mod ack;
mod append;
mod backend;
mod claims;
mod documents;
mod error;
mod groups;
mod migrate;
mod pump;
mod recurrences;
mod row;
mod schedules;
mod sql;
mod store;
mod tx;
mod units;
mod wake;

pub use backend::{Postgres, PostgresBuilder};
pub use error::{InvalidSchemaName, SqlError};
pub use tx::PostgresTx;
