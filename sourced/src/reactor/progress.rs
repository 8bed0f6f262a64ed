//! How far a batch is, for whoever looks at it from outside.

use std::sync::{Mutex, PoisonError};

use serde::Serialize;

use crate::stream::{Position, Seq};
use crate::time::Timestamp;

/// What is being done about a batch, and since when.
#[derive(Debug, Default)]
pub struct Progress(Mutex<Option<Step>>);

#[derive(Debug, Clone, Copy)]
struct Step {
    stage: Stage,
    since: Timestamp,
    /// Of the message that is handled.
    at: Option<Position>,
}

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
    /// Notes that the message at this seq of its stream, and at this position, is handled from now on.
    pub fn handles(&self, seq: Seq, position: Position, now: Timestamp) {
        self.set(Step {
            stage: Stage::Handling(seq),
            since: now,
            at: Some(position),
        });
    }

    /// Notes that what came of it is stored from now on.
    pub fn stores(&self, now: Timestamp) {
        self.set(Step {
            stage: Stage::Storing,
            since: now,
            at: None,
        });
    }

    /// What is being done, and since when; `None` before it has begun.
    pub fn get(&self) -> Option<(Stage, Timestamp)> {
        self.step().map(|step| (step.stage, step.since))
    }

    /// Where the message is that is being handled; `None` when none is.
    pub(crate) fn at(&self) -> Option<Position> {
        self.step()?.at
    }

    fn step(&self) -> Option<Step> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, step: Step) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(step);
    }
}
