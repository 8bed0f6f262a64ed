//! A command that was stored before: what it has led to.

use std::collections::HashSet;

use super::{UnitError, UnitOutcome};
use crate::backend::{AppendError, BackendError, ExpectedSeq, StreamAppend};
use crate::message::{Kind, MessageId, NewMessage, StoredMessage};
use crate::runtime::app::Inner;
use crate::stream::{GroupId, StreamId};

/// What the command came to when it was stored with this id first; `None` when it was not stored in this stream.
pub(super) async fn outcome(
    app: &Inner,
    stream: &StreamId,
    command: &NewMessage,
) -> Result<Option<Result<UnitOutcome, UnitError>>, BackendError> {
    let backend = &app.services.backend;
    let is_same = |stored: &StoredMessage| {
        stored.stream_id == *stream && stored.type_name == command.type_name
    };
    let Some(stored) = backend.find(command.id).await?.filter(is_same) else {
        return Ok(None);
    };
    store_again(app, stream, command).await?;
    if let Some(refusal) = backend.refusal(command.id).await? {
        return Ok(Some(Err(UnitError::Refused(refusal.reason))));
    }
    let conversation = backend.read_correlation(stored.correlation_id).await?;
    let mut caused = HashSet::from([stored.id]);
    let messages: Vec<_> = conversation
        .into_iter()
        .filter(|message| message.id == stored.id || is_caused(message, &mut caused))
        .collect();
    let mut refusals = Vec::new();
    for command in messages
        .iter()
        .filter(|message| message.kind == Kind::Command)
    {
        refusals.extend(backend.refusal(command.id).await?);
    }
    let sources = messages
        .iter()
        .map(|message| source_of(app, message, &messages));
    Ok(Some(Ok(UnitOutcome {
        sources: sources.collect(),
        messages,
        refusals,
        left: Vec::new(),
    })))
}

/// What is seen need not be on a synchronous replica yet. Who stores it again is answered when it is.
async fn store_again(
    app: &Inner,
    stream: &StreamId,
    command: &NewMessage,
) -> Result<(), BackendError> {
    let again = StreamAppend {
        stream: stream.clone(),
        expected: ExpectedSeq::Any,
        messages: vec![command.clone()],
    };
    match app.services.backend.append(vec![again]).await {
        Ok(_) => Ok(()),
        Err(AppendError::Backend(error)) => Err(error),
        Err(error) => Err(BackendError::Refused(error.into())),
    }
}

/// Whether it follows from what is known to follow from the command. A cause has a lower position than its effects.
fn is_caused(message: &StoredMessage, caused: &mut HashSet<MessageId>) -> bool {
    caused.contains(&message.causation_id) && caused.insert(message.id)
}

/// The group that an event comes from. That of a command is stored nowhere.
fn source_of(app: &Inner, message: &StoredMessage, messages: &[StoredMessage]) -> Option<GroupId> {
    let cause = |cause: &&StoredMessage| cause.id == message.causation_id;
    let cause = messages.iter().find(cause)?;
    let is_decision = message.kind == Kind::Event && cause.kind == Kind::Command;
    let decider = app.deciders.get(&cause.type_name);
    decider.filter(|_| is_decision).cloned()
}
