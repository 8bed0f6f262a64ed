//! How far a batch is, for whoever looks at it from outside.

use std::sync::{Mutex, PoisonError};

use serde::Serialize;

use crate::stream::Seq;
use crate::time::Timestamp;

/// What is being done about a batch, and since when.
#[derive(Debug, Default)]
pub struct Progress(Mutex<Option<(Stage, Timestamp)>>);

/// What is being done about a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Stage {
    /// The message at this seq of its stream is handled.
    Handling(Seq),
    /// What came of it is stored, and its projections are synced.
    Storing,
}

impl Progress {
    /// Notes that the message at this seq is handled from now on.
    pub fn handles(&self, seq: Seq, now: Timestamp) {
        self.set(Stage::Handling(seq), now);
    }

    /// Notes that what came of it is stored from now on.
    pub fn stores(&self, now: Timestamp) {
        self.set(Stage::Storing, now);
    }

    /// What is being done, and since when; `None` before it has begun.
    pub fn get(&self) -> Option<(Stage, Timestamp)> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, stage: Stage, now: Timestamp) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((stage, now));
    }
}
