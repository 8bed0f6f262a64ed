//! Receipts of dispatched commands, and what became of them.

use std::time::Duration;

use super::App;
use super::app::Inner;
use crate::backend::{Appended, BackendError};
use crate::message::{Kind, MessageId, StoredMessage};
use crate::stream::{Position, Seq};

/// Proof that a command is stored.
#[derive(Debug, Clone)]
pub struct Receipt {
    app: App,
    /// The command's id.
    pub id: MessageId,
    /// Where it sits in its stream.
    pub seq: Seq,
    /// Where it sits in the log.
    pub position: Position,
    /// Whether it had been stored by an earlier call.
    pub already_stored: bool,
}

impl Receipt {
    pub(super) fn new(app: App, place: &Appended) -> Self {
        Self {
            app,
            id: place.id,
            seq: place.seq,
            position: place.position,
            already_stored: place.already_stored,
        }
    }

    /// Waits until the command is decided, or parked. Somebody's workers must be running.
    ///
    /// # Errors
    /// [`BackendError`] when the storage does not answer.
    pub async fn outcome(&self) -> Result<Outcome, BackendError> {
        let mut pause = Duration::from_millis(2);
        loop {
            match self.app.outcome(self.id).await? {
                Outcome::Pending => {}
                settled => return Ok(settled),
            }
            self.app.env().clock.sleep(pause).await;
            pause = (pause * 2).min(Duration::from_millis(100));
        }
    }
}

/// What became of a command.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Outcome {
    /// No command of this id is stored.
    Unknown,
    /// It waits to be decided.
    Pending,
    /// It was decided, and led to these events.
    Applied(Vec<StoredMessage>),
    /// It was decided by saying no.
    Refused(String),
    /// Deciding it failed for good; its stream is parked until a person looks at it. This is the last error.
    Failed(String),
}

pub(super) async fn outcome(app: &Inner, id: MessageId) -> Result<Outcome, BackendError> {
    let backend = &app.services.backend;
    let Some(command) = backend
        .find(id)
        .await?
        .filter(|message| message.kind == Kind::Command)
    else {
        return Ok(Outcome::Unknown);
    };
    // The lane is read before the refusal: both are written together, so a refusal is not missed.
    if command.decided_by.is_none() {
        let Some(group) = app.deciders.get(&command.type_name) else {
            return Ok(Outcome::Pending);
        };
        let lane = backend.lane(group, &command.stream_id).await?;
        match lane.filter(|lane| lane.acked >= command.position || lane.parked) {
            None => return Ok(Outcome::Pending),
            Some(lane) if lane.acked < command.position => {
                // It may be an earlier message that parked the stream; this one waits behind it all the same.
                return Ok(Outcome::Failed(lane.last_error.unwrap_or_default()));
            }
            Some(_) => {}
        }
    }
    if let Some(refusal) = backend.refusal(id).await? {
        return Ok(Outcome::Refused(refusal.reason));
    }
    let conversation = backend.read_correlation(command.correlation_id).await?;
    let is_result = |message: &StoredMessage| {
        message.causation_id == id && message.id != id && message.kind == Kind::Event
    };
    Ok(Outcome::Applied(
        conversation.into_iter().filter(is_result).collect(),
    ))
}
