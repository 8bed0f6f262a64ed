//! The SQLite backend of `sourced`: everything in one file, nothing to install.
//!
//! One connection writes, and commits what many callers bring at the same time in one go; others read. Several
//! processes on one machine may work on the same file.
//!
//! ```
//! use sourced::backend::{ReadStream, Store as _, StreamAppend};
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
//! # What is promised
//!
//! Once a call has returned, what it stored survives the death of the process and, unless
//! [`Synchronous::Normal`] is chosen, a power cut. Claims and renewals are not synced to disk on their own: after a
//! power cut they are done again.
//!
//! Sync actions run inside the transaction of the batch they came in, so a slow one delays everybody who writes.

mod append;
mod backend;
mod claims;
mod documents;
mod error;
mod groups;
mod lanes;
mod migrate;
#[cfg(test)]
mod plans;
mod pump;
mod recurrences;
mod row;
mod schedules;
mod sql;
mod store;
mod tx;
mod units;
mod wake;
mod writer;

pub use backend::{Sqlite, SqliteBuilder, Synchronous};
pub use tx::SqliteTx;
