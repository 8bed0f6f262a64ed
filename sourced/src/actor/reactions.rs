//! The table of reactions, shared by actors, projectors and handlers.

use std::fmt;

use futures_util::future::BoxFuture;

use super::{Dispatched, Outgoing, Reacts};
use crate::backend::{ExpectedSeq, Scheduled, StreamAppend};
use crate::failure::Failure;
use crate::message::{Event, MessageId, StoredMessage, TypeName};
use crate::reactor::{Clash, Context, Rows, Services};
use crate::stream::StreamId;
use crate::topology::Produces;

type Row<S> =
    for<'a> fn(&'a S, &'a StoredMessage, &'a Context) -> BoxFuture<'a, Result<Dispatched, Failure>>;

/// The events something reacts to, as a table from type names to functions.
pub(crate) struct Reactions<S> {
    rows: Rows<Row<S>>,
}

impl<S: Sync> Reactions<S> {
    pub(crate) fn new() -> Self {
        Self {
            rows: Rows::default(),
        }
    }

    /// Gives what may come of it.
    pub(crate) fn insert<E: Event>(&mut self) -> Produces
    where
        S: Reacts<E>,
    {
        self.rows.insert::<E>(react_by::<S, E>);
        let mut produces = Produces::new();
        S::produces(&mut produces);
        produces
    }

    pub(crate) fn get(&self, type_name: &TypeName) -> Option<Row<S>> {
        self.rows.get(type_name)
    }

    pub(crate) fn types(&self) -> impl Iterator<Item = &TypeName> {
        self.rows.names()
    }

    /// The stored names that two events claim.
    pub(crate) fn clashes(&self) -> &[Clash] {
        self.rows.clashes()
    }
}

fn react_by<'a, S: Reacts<E> + Sync, E: Event>(
    state: &'a S,
    message: &'a StoredMessage,
    cx: &'a Context,
) -> BoxFuture<'a, Result<Dispatched, Failure>> {
    Box::pin(async move { state.react(message.decode()?, cx).await })
}

impl<S> fmt::Debug for Reactions<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.rows.names()).finish()
    }
}

/// Why the commands of a reaction were not dispatched.
#[derive(Debug, thiserror::Error)]
enum SendError {
    #[error(
        "a reaction dispatches `{0}`, which no registered actor decides: register the one that does"
    )]
    NobodyDecides(TypeName),
}

/// Adds the commands that an event led to, now or later; those that say no stream go to the event's own.
///
/// # Errors
/// [`Failure`] when one of them cannot be sent; then none is added.
pub(crate) fn send(
    services: &Services,
    event: &StoredMessage,
    dispatched: Dispatched,
    appends: &mut Vec<StreamAppend>,
    schedules: &mut Vec<Scheduled>,
) -> Result<(), Failure> {
    let undecided = |outgoing: &&Outgoing| services.is_undecided(outgoing.type_name());
    if let Some(command) = dispatched.iter().find(undecided) {
        let error = SendError::NobodyDecides(command.type_name().clone());
        return Err(Failure::permanent(error));
    }
    let parcels = dispatched
        .into_iter()
        .map(|outgoing| outgoing.into_parcel(&services.env));
    for parcel in parcels.collect::<Result<Vec<_>, _>>()? {
        let stream = parcel.stream.unwrap_or_else(|| event.stream_id.clone());
        let message = parcel.message.caused_by(event);
        match parcel.at {
            // Of one batch as of two: what has a known id is the same command.
            None if is_there(appends, &stream, message.id) => {}
            None => join(
                appends,
                StreamAppend {
                    stream,
                    expected: ExpectedSeq::Any,
                    messages: vec![message],
                },
            ),
            Some(_) if schedules.iter().any(|one| one.message.id == message.id) => {}
            Some(at) => schedules.push(Scheduled {
                at,
                stream,
                message,
            }),
        }
    }
    Ok(())
}

/// Whether a message with this id is on its way into the stream.
fn is_there(appends: &[StreamAppend], stream: &StreamId, id: MessageId) -> bool {
    let append = appends.iter().find(|append| append.stream == *stream);
    append.is_some_and(|append| append.messages.iter().any(|message| message.id == id))
}

/// A stream is named once per append, with the strictest of its expectations.
pub(crate) fn join(appends: &mut Vec<StreamAppend>, append: StreamAppend) {
    let known = appends
        .iter_mut()
        .find(|known| known.stream == append.stream);
    match known {
        Some(known) => {
            known.messages.extend(append.messages);
            if known.expected == ExpectedSeq::Any {
                known.expected = append.expected;
            }
        }
        None => appends.push(append),
    }
}
