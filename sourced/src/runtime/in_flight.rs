//! Claims that are being handled, as others see them.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;

use crate::backend::Claim;
use crate::message::{CorrelationId, MessageId, StoredMessage, TypeName};
use crate::reactor::{Progress, Stage};
use crate::stream::{GroupId, Position, Seq, StreamId};
use crate::time::Timestamp;

/// A claim that is being handled.
pub(super) struct InFlight {
    pub(super) claim: Claim,
    pub(super) progress: Progress,
    since: Timestamp,
    /// What led to the message, from when it was reported as slow.
    causes: Mutex<Option<Vec<Cause>>>,
}

/// A handler at work, and the message that it is at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RunningHandler {
    /// Its group.
    pub group: GroupId,
    /// The stream.
    pub stream: StreamId,
    /// What is done about the message. A batch that is being stored is told by its first message.
    pub stage: Stage,
    /// Since when, by this process's clock.
    pub since: Timestamp,
    /// The message's type.
    pub type_name: TypeName,
    /// The message's id.
    pub message_id: MessageId,
    /// Where it sits in its stream.
    pub seq: Seq,
    /// Where it sits in the log.
    pub position: Position,
    /// The conversation it belongs to.
    pub correlation_id: CorrelationId,
    /// Which try this is, from 1.
    pub attempt: u32,
    /// What led to the message, the nearest first and at most 16 of them. `None` until the handler is reported as slow.
    pub causes: Option<Vec<Cause>>,
}

/// A message that led to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Cause {
    /// Its id.
    pub message_id: MessageId,
    /// Its type.
    pub type_name: TypeName,
}

impl InFlight {
    pub(super) fn new(claim: Claim, since: Timestamp) -> Self {
        Self {
            claim,
            progress: Progress::default(),
            since,
            causes: Mutex::default(),
        }
    }

    /// What is done, and since when.
    fn step(&self) -> (Stage, Timestamp) {
        let begins = || (Stage::Handling(self.first().seq), self.since);
        self.progress.get().unwrap_or_else(begins)
    }

    /// How long it has been at what it is at.
    pub(super) fn busy_for(&self, now: Timestamp) -> Duration {
        now.saturating_since(self.step().1)
    }

    pub(super) fn is_reported(&self) -> bool {
        self.lock().is_some()
    }

    pub(super) fn report(&self, causes: Vec<Cause>) {
        *self.lock() = Some(causes);
    }

    /// The message it is at.
    pub(super) fn message(&self) -> &StoredMessage {
        let mut messages = self.claim.deliveries.iter().map(|next| &next.message);
        let at = self.progress.at();
        let found = at.and_then(|at| messages.find(|message| message.position == at));
        found.unwrap_or(self.first())
    }

    pub(super) fn told(&self) -> RunningHandler {
        let (message, (stage, since)) = (self.message(), self.step());
        RunningHandler {
            group: self.claim.key.group.clone(),
            stream: message.stream_id.clone(),
            stage,
            since,
            type_name: message.type_name.clone(),
            message_id: message.id,
            seq: message.seq,
            position: message.position,
            correlation_id: message.correlation_id,
            attempt: self.claim.attempts + 1,
            causes: self.lock().clone(),
        }
    }

    fn first(&self) -> &StoredMessage {
        &self.claim.deliveries[0].message
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Vec<Cause>>> {
        self.causes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Cause {
    pub(super) fn of(message: &StoredMessage) -> Self {
        Self {
            message_id: message.id,
            type_name: message.type_name.clone(),
        }
    }
}
