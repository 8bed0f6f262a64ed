//! Reading: keeps the user's tokens, decides nothing.

pub(crate) mod block;
pub(crate) mod body;
pub(crate) mod comma;
mod groups;
pub(crate) mod item;
pub(crate) mod member;
pub(crate) mod options;
pub(crate) mod row;
