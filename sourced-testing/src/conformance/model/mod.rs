//! Random sequences of operations, checked against a model that is small enough to be right.
//!
//! What a backend is free to do, such as which of several lanes it gives first, the model learns from its answer and
//! checks that it may be so. Everything else it knows beforehand.

mod claiming;
mod fixed;
mod lanes;
mod operating;
mod operation;
mod run;
mod streams;
mod writing;

pub(super) use operation::{Operation, operations};
pub(super) use run::play;
