//! The SQLite backend of `sourced`: everything in one file, nothing to install.
//!
//! One connection writes, and commits what many callers bring at the same time in one go; others read. Several
//! processes on one machine may work on the same file.
//!
//! ```
//! use sourced::backend::{Log as _, ReadStream, Store as _, StreamAppend};
//! use sourced::env::Env;
//! use sourced::message::{Kind, NewMessage, Payload, TypeName};
//! use sourced::{ExpectedSeq, StreamId};
//! use sourced_sqlite::Sqlite;
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("shop.db");
//! let store = Sqlite::open(path).await?;
//!
//! let env = Env::system();
//! let cart = StreamId::new("cart-1")?;
//! let opened = NewMessage::root(
//!     env.ids.next_id().into(),
//!     env.clock.now(),
//!     TypeName::new("cart.opened")?,
//!     Kind::Event,
//!     Payload::parse(r#"{"by":"u-7"}"#)?,
//! );
//! let append = StreamAppend { stream: cart.clone(), expected: ExpectedSeq::NoStream, messages: vec![opened] };
//! store.append(vec![append]).await?;
//!
//! let messages = store.read_stream(ReadStream::all(cart)).await?;
//! assert_eq!(messages[0].payload.as_str(), r#"{"by":"u-7"}"#);
//! # Ok(())
//! # }
//! ```
//!
//! # Units in your own transaction
//!
//! [`Unit::handle_in`](sourced::Unit::handle_in) stores a unit in a transaction that you have begun on the same file, so
//! that it commits together with rows of your own. The transaction takes the write lock when it is joined, if it does not
//! have it yet: begin it with `BEGIN IMMEDIATE`, since one that has read before may never get it. Where a unit is given up
//! while it is stored, the transaction is as it was before.
//!
//! Until it ends nobody else can write to the file. Other writers of this process wait for it, up to
//! [`SqliteBuilder::busy_timeout`]; so it should be short, and must not wait for one of them, such as a dispatch.
//!
//! ```
//! use sourced::prelude::*;
//! use sourced_sqlite::Sqlite;
//! use sqlx::sqlite::SqlitePool;
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
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("shop.db");
//! let app = App::builder().backend(Sqlite::open(&path).await?).register::<Till>().build().await?;
//! let pool = SqlitePool::connect_with(sqlx::sqlite::SqliteConnectOptions::new().filename(&path)).await?;
//! sqlx::query("CREATE TABLE stock (product TEXT, n INTEGER)").execute(&pool).await?;
//!
//! let mut tx = pool.begin_with("BEGIN IMMEDIATE").await?;
//! sqlx::query("INSERT INTO stock VALUES ('tea', -1)").execute(&mut *tx).await?;
//! app.unit().handle_in(&mut tx, Sell { product: "tea".into() }.to("till-1")).await?;
//! assert!(app.actor::<Till>("till-1").history().await.unwrap().is_empty(), "nobody sees it yet");
//! tx.commit().await?;
//! app.wake();
//! assert_eq!(app.actor::<Till>("till-1").history().await.unwrap().len(), 1);
//! # Ok(())
//! # }
//! ```
//!
//! # What is promised
//!
//! Once a call has returned, what it stored survives the death of the process and, unless
//! [`Synchronous::Normal`] is chosen, a power cut. Claims and renewals are not synced to disk on their own: after a
//! power cut they are done again.
//!
//! Sync actions run inside the transaction of the batch they came in, so a slow one delays everybody who writes.

mod append;
mod backend;
mod batch;
mod claims;
mod deliveries;
mod documents;
mod draft;
mod error;
mod file;
mod global_order;
mod groups;
mod joined;
mod lanes;
mod log;
mod migrate;
mod pages;
#[cfg(test)]
mod plans;
mod pump;
mod quarantine;
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
mod types;
mod units;
mod upkeep;
mod versions;
mod wake;
mod writer;

pub use backend::{Sqlite, SqliteBuilder, Synchronous};
pub use migrate::{SCHEMA_VERSION, migration_sql};
pub use reader::SqliteReader;
pub use tx::SqliteTx;
