//! Checks: what is wrong, at the word that has to change, with what to type instead.

mod block;
mod forgotten;
mod message;
mod naming;
mod parameters;
mod purity;
mod repeated;
mod row;
mod signature;
mod stored;

pub(crate) use block::{Kind, block, head, model};
pub(crate) use message::{message, outside};
pub(crate) use row::{row, row_item};
