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
//! # Units in your own transaction
//!
//! [`Unit::handle_in`](sourced::Unit::handle_in) stores a unit in a transaction that you have begun on the same database,
//! so that it commits together with rows of your own. Every try stands behind a savepoint, `sourced_unit`, with a cursor of the
//! same name: a transaction in which one was given up cannot commit, and says so. The transaction must be *read
//! committed*: with one snapshot for all of its statements it could not see what others have committed, and store what
//! is no longer true. How long what it stored lasts is up to the settings of its session.
//!
//! Until it ends, others wait who append to the same streams; two transactions that lock the same streams in different
//! orders, by several units each, may end in a deadlock, which fails one of them.
//!
//! ```no_run
//! use sourced::prelude::*;
//! use sourced_postgres::Postgres;
//!
//! #[derive(Default)]
//! struct Till;
//!
//! #[actor]
//! impl Till {
//!     #[command]
//!     fn sell(&self, product: String) -> Sold {
//!         Sold { product }
//!     }
//!
//!     #[event]
//!     fn sold(&mut self, _product: String) {}
//! }
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let backend = Postgres::connect("postgres://app@localhost/shop").await?;
//! let pool = backend.pool().clone(); // or any other of the same database: a unit needs no second connection
//! let app = App::builder().backend(backend).register::<Till>().build().await?;
//!
//! let mut tx = pool.begin().await?;
//! sqlx::query("UPDATE stock SET n = n - 1 WHERE product = 'tea'").execute(&mut *tx).await?;
//! app.unit().handle_in(&mut tx, Sell { product: "tea".into() }.to("till-1")).await?;
//! tx.commit().await?;
//! app.wake(); // workers need not wait until they look next
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
//! Small appends that come while others of the same program are under way are stored together: one transaction, one wait
//! for the disk. Each gets its own answer, and none waits for the stream of another.
//!
//! Claims commit without waiting for the disk, since a crash that takes them back only gives the work to somebody else.
//! Appends and acknowledgements always wait; acknowledgements that arrive at the same time share one transaction.
//!
//! # Projections in SQL
//!
//! [`PostgresTx`] gives the connection of the acknowledging transaction, so that SQL of your own commits together with
//! the progress.

mod ack;
mod append;
mod backend;
mod claims;
mod connecting;
mod connections;
mod documents;
mod error;
mod global_order;
mod group_commit;
mod groups;
mod history;
mod joined;
mod lent;
mod log;
mod migrate;
mod pages;
mod pump;
mod quarantine;
mod read_ahead;
mod reader;
mod recurrences;
mod row;
mod rows;
mod savepoint;
mod schedules;
mod snapshots;
mod sql;
mod staging;
mod store;
mod stretches;
mod tables;
mod together;
mod tx;
mod units;
mod upkeep;
mod versions;
mod wake;

pub use backend::{Postgres, PostgresBuilder};
pub use error::{InvalidMigration, InvalidSchemaName, SqlError};
pub use migrate::{SCHEMA_VERSION, migration_sql};
pub use reader::PostgresReader;
pub use tx::PostgresTx;
