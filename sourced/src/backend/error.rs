//! What can go wrong at the port.

use std::error::Error as StdError;

use super::{ExpectedSeq, LimitExceeded};
use crate::failure::Failure;
use crate::message::MessageId;
use crate::stream::{GroupId, Position, Seq, StreamId};

/// The storage did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackendError {
    /// It does not answer, or answered that it is busy: the same call may go through later.
    #[error("the storage is unavailable: {0}")]
    Unavailable(#[source] Box<dyn StdError + Send + Sync>),
    /// It holds something that this library cannot have written.
    #[error("the storage holds something unexpected: {0}")]
    Corrupt(String),
    /// It holds a message that cannot be read: somebody has changed it by hand, the disk has, or a newer program wrote it.
    /// Pages of the log end before it, and whoever means to go on behind it reads what comes
    /// [after](super::Selection::after) its position.
    #[error(
        "the message at position {position} cannot be read ({what}): mend it, run the program that wrote it, or read what comes after"
    )]
    Unreadable {
        /// Where it is.
        position: Position,
        /// What of it cannot be read.
        what: String,
    },
    /// Its schema has another version than this program needs: it was made by a newer one, or was not brought up to date.
    #[error(
        "the storage has schema version {found}, this program needs {known}: {}",
        if found > known { "run a newer program" } else { "let the program migrate it, or run the migration's SQL" }
    )]
    Schema {
        /// The version of the storage; 0 when it was never set up.
        found: i64,
        /// The version that this program needs.
        known: i64,
    },
    /// What was asked for was removed from the log: see [`Upkeep::truncate_stream`](super::Upkeep::truncate_stream).
    #[error(
        "messages of stream `{stream}` were removed, the last of them at seq {upto}: put them back from their archive, or read what comes after"
    )]
    Removed {
        /// The stream.
        stream: StreamId,
        /// The last removed message that was asked for.
        upto: Seq,
    },
    /// The log is not the one that was read before: it was set back, or another one is in its place. Whoever asks again is
    /// given what is there.
    #[error("the log was set back while it was read: it goes on from an earlier point")]
    SetBack,
    /// The group was never registered here.
    #[error("no consumer group `{0}` is registered")]
    UnknownGroup(GroupId),
    /// It refused, and will refuse again.
    #[error("the storage refused: {0}")]
    Refused(#[source] Box<dyn StdError + Send + Sync>),
}

impl BackendError {
    /// What it comes to that a stored message could not be read, for this reason: nothing of the storage is to blame but that
    /// message. For backends.
    #[must_use]
    pub fn at(self, position: Position) -> Self {
        let what = match self {
            Self::Removed { .. } | Self::Unreadable { .. } => return self,
            Self::Corrupt(what) => what,
            other => other.to_string(),
        };
        Self::Unreadable { position, what }
    }

    /// Whether the same call may go through later.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }

    /// The outage that led to an error, if one did: what is [transient](Self::is_transient) in the error itself or among its
    /// causes.
    ///
    /// - *outage-is-no-attempt*: everybody who asks whether the storage is to blame, and not the message, asks here.
    pub fn outage_in<'e>(error: &'e (dyn StdError + 'static)) -> Option<&'e Self> {
        let errors = std::iter::successors(Some(error), |error| (*error).source());
        let mut known = errors.filter_map(|error| error.downcast_ref::<Self>());
        known.find(|error| error.is_transient())
    }

    /// [`BackendError::Unavailable`], for a failure of user code whose cause was that. For backends.
    pub fn of_outage(failure: Failure) -> Self {
        let error: Box<dyn StdError + Send + Sync> = failure.into();
        match error.downcast() {
            Ok(outage) => *outage,
            Err(error) => Self::Unavailable(error),
        }
    }
}

/// Why nothing was appended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AppendError {
    /// Somebody else was faster: load again, decide again.
    #[error("conflict in stream `{stream}`: expected {expected:?}, its last seq is {}", actual.map_or(0, Seq::get))]
    Conflict {
        /// The stream.
        stream: StreamId,
        /// What the writer believed.
        expected: ExpectedSeq,
        /// The stream's last seq, or the last event's for [`ExpectedSeq::NoEventAfter`] and [`ExpectedSeq::LastEvent`].
        actual: Option<Seq>,
    },
    /// A message of this id is stored elsewhere, or was not meant to be appended in this company.
    #[error("the message id {id} is already taken")]
    IdTaken {
        /// The id.
        id: MessageId,
    },
    /// Something is too large.
    #[error(transparent)]
    Limit(#[from] LimitExceeded),
    /// The storage did not do it.
    #[error("{0}")]
    Backend(#[from] BackendError),
}

impl AppendError {
    /// Whether loading and deciding again may help.
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Conflict { .. })
    }
}

/// Why an acknowledgement stored nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AckError {
    /// The lane has another holder by now.
    #[error("the claim of group `{group}` on stream `{stream}` is lost")]
    Fenced {
        /// The group.
        group: GroupId,
        /// The stream.
        stream: StreamId,
    },
    /// An append was refused.
    #[error("{0}")]
    Append(#[from] AppendError),
    /// A sync action failed, and not because the storage was away: see [`AckError::of_sync`].
    #[error("a sync action failed: {0}")]
    Sync(Failure),
    /// The storage did not do it.
    #[error("{0}")]
    Backend(#[from] BackendError),
}

impl AckError {
    /// What an acknowledgement whose sync action failed comes to. For backends.
    ///
    /// - *outage-is-no-attempt*: where the storage did not do what the action asked of it, and may do it later, that is what
    ///   is told. The message is not to blame, so it is handled again without being counted as failed.
    pub fn of_sync(failure: Failure) -> Self {
        if BackendError::outage_in(failure.source()).is_some() {
            Self::Backend(BackendError::of_outage(failure))
        } else {
            Self::Sync(failure)
        }
    }

    /// Whether loading and deciding again may help.
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Append(error) if error.is_conflict())
    }

    /// Whether the claim is lost.
    pub fn is_fenced(&self) -> bool {
        matches!(self, Self::Fenced { .. })
    }
}

/// Why a claim could not be given back.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FenceError {
    /// The lane has another holder by now.
    #[error("the claim of group `{group}` on stream `{stream}` is lost")]
    Fenced {
        /// The group.
        group: GroupId,
        /// The stream.
        stream: StreamId,
    },
    /// The storage did not do it.
    #[error("{0}")]
    Backend(#[from] BackendError),
}
