//! Writing: a list of rows, and one small impl per handler. It cannot fail.

mod actor;
mod after_sync;
mod calls;
mod events;
mod flow;
mod handler;
mod message;
mod projector;
mod reference;
mod row;
mod table;

pub(crate) use actor::actor;
pub(crate) use handler::handler;
pub(crate) use message::definition;
pub(crate) use projector::projector;
pub(crate) use row::{broken_row, key, row};
pub(crate) use table::table;
