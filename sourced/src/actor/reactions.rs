//! The table of reactions, shared by actors, projectors and handlers.

use std::fmt;

use futures_util::future::BoxFuture;

use super::{Dispatched, Reacts};
use crate::backend::{ExpectedSeq, Scheduled, StreamAppend};
use crate::env::Env;
use crate::failure::Failure;
use crate::message::{Event, StoredMessage, TypeName};
use crate::reactor::{Clash, Context, Rows};
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

/// Adds the commands that an event led to, now or later; those that say no stream go to the event's own.
///
/// # Errors
/// [`Failure`] when one of them cannot be sent; then none is added.
pub(crate) fn send(
    env: &Env,
    event: &StoredMessage,
    dispatched: Dispatched,
    appends: &mut Vec<StreamAppend>,
    schedules: &mut Vec<Scheduled>,
) -> Result<(), Failure> {
    let parcels = dispatched
        .into_iter()
        .map(|outgoing| outgoing.into_parcel(env));
    for parcel in parcels.collect::<Result<Vec<_>, _>>()? {
        let stream = parcel.stream.unwrap_or_else(|| event.stream_id.clone());
        let message = parcel.message.caused_by(event);
        match parcel.at {
            None => join(
                appends,
                StreamAppend {
                    stream,
                    expected: ExpectedSeq::Any,
                    messages: vec![message],
                },
            ),
            Some(at) => schedules.push(Scheduled {
                at,
                stream,
                message,
            }),
        }
    }
    Ok(())
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
