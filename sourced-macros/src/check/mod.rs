//! Checks: what is wrong, at the word that has to change, with what to type instead.

mod block;
mod message;
mod parameters;
mod row;
mod signature;
mod stored;

pub(crate) use block::{Kind, block, head, model};
pub(crate) use message::{message, outside};
pub(crate) use row::{row, row_item};
