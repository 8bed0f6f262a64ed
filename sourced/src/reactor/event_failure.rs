//! A failure that names its event.

use std::error::Error as StdError;
use std::fmt;

use crate::failure::Failure;
use crate::message::{Message, PayloadError, TypeName};
use crate::stream::{GroupId, Position, Seq, StreamId};

/// What went wrong when a projector handled an event. It is as permanent as its cause, which
/// [`Failure::find`] still finds.
pub struct EventFailure {
    /// The group of the projector.
    pub group: GroupId,
    /// The type of the event.
    pub type_name: TypeName,
    /// Its stream.
    pub stream: StreamId,
    /// Its place there.
    pub seq: Seq,
    /// Its place in the log.
    pub position: Position,
    /// Why.
    pub failure: Failure,
}

impl EventFailure {
    /// The failure of this event.
    pub(crate) fn at<P>(group: &GroupId, event: &Message<P>, failure: Failure) -> Failure {
        failure.inside(|failure| Self {
            group: group.clone(),
            type_name: event.type_name.clone(),
            stream: event.stream_id.clone(),
            seq: event.seq,
            position: event.position,
            failure,
        })
    }
}

impl fmt::Display for EventFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            group,
            type_name,
            stream,
            seq,
            position,
            failure,
        } = self;
        write!(
            f,
            "`{group}`: `{type_name}` at seq {seq} of `{stream}` (position {position}): {failure}"
        )
    }
}

impl fmt::Debug for EventFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl StdError for EventFailure {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(self.failure.source())
    }
}

/// An event that was stored in a shape which this program does not read.
#[derive(Debug, thiserror::Error)]
#[error(
    "{0}; where the type has another shape now, say how this one is read: `#[serde(default)]` or `#[serde(alias = \"..\")]` on a field, or a new type that `was` the old one"
)]
pub(crate) struct OldShape(#[from] PayloadError);
