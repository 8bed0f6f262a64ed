//! Units: a whole chain of messages stored at once, outside of any claim.

use std::any::Any;
use std::sync::Arc;

use async_trait::async_trait;

use super::{
    AckError, AppendError, Appended, BackendError, JoinError, Joined, Refusal, Scheduled,
    StreamAppend, SyncAction,
};
use crate::failure::Failure;
use crate::message::TypeName;
use crate::stream::{GroupId, StreamId};

/// Storing what a unit led to.
#[async_trait]
pub trait Units: Send + Sync {
    /// Stores everything in `unit` in one transaction, or nothing.
    ///
    /// The steps are: append, schedule, check that the settled lanes are quiet, record refusals, run the sync actions in order,
    /// move the settled lanes on. The result is that of [`Store::append`](super::Store::append).
    ///
    /// - *ack-never-jumps*: a lane is settled only when nothing that its group handles is pending in that stream below
    ///   the unit's own messages, be it ready, claimed, delayed, parked or not yet sorted into lanes. Otherwise nothing
    ///   is stored: [`UnitError::Busy`].
    /// - *in-order-per-stream*: everything the group handles in that stream, up to the last message of this call, is
    ///   acknowledged with it, so no worker is given it again.
    ///
    /// The transaction may be run again from the start when the database asks for it, and so may the sync actions.
    ///
    /// # Errors
    /// [`UnitError`] says why nothing was stored.
    async fn commit_unit(&self, unit: UnitCommit) -> Result<Vec<Appended>, UnitError>;

    /// Joins a transaction that the caller has begun on this database, so that units are stored in it. A backend says
    /// which types of connections it takes.
    ///
    /// # Errors
    /// [`JoinError`] when there is nothing that can be joined; by default there never is.
    async fn join<'t>(
        &self,
        connection: &'t mut (dyn Any + Send),
    ) -> Result<Box<dyn Joined + 't>, JoinError> {
        _ = connection;
        Err(JoinError::Unsupported)
    }
}

/// Everything a unit led to.
#[derive(Debug, Clone, Default)]
pub struct UnitCommit {
    /// The messages.
    pub appends: Vec<StreamAppend>,
    /// Messages for later, by the rules of [`Schedules::schedule`](super::Schedules::schedule).
    pub schedules: Vec<Scheduled>,
    /// Commands that were refused.
    pub refusals: Vec<Refusal>,
    /// Work to do inside the transaction.
    pub syncs: Vec<Arc<dyn SyncAction>>,
    /// Lanes whose group has handled what is appended to the stream. A group and a stream that `appends` does not name
    /// are an error.
    pub settled: Vec<Lane>,
    /// What the groups of these lanes have handled, by type. A group that does not handle one of them by now, as when
    /// another version of the program has registered it, is [`UnitError::Busy`]: it would be owed the message.
    pub handled: Vec<(GroupId, TypeName)>,
}

/// Names a lane: one group's progress in one stream.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Lane {
    /// The group.
    pub group: GroupId,
    /// The stream.
    pub stream: StreamId,
}

/// Why nothing of a unit was stored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UnitError {
    /// Earlier messages of the stream wait for that group, and may not be overtaken.
    #[error(
        "group `{group}` has earlier messages to handle in stream `{stream}`, or does not handle all of its types now"
    )]
    Busy {
        /// The group.
        group: GroupId,
        /// The stream.
        stream: StreamId,
    },
    /// An append was refused.
    #[error("{0}")]
    Append(#[from] AppendError),
    /// A sync action failed.
    #[error("a sync action failed: {0}")]
    Sync(Failure),
    /// The storage did not do it.
    #[error("{0}")]
    Backend(#[from] BackendError),
}

impl UnitError {
    /// Whether loading and deciding again may help.
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Append(error) if error.is_conflict())
    }
}

impl From<AckError> for UnitError {
    fn from(error: AckError) -> Self {
        match error {
            AckError::Append(error) => Self::Append(error),
            AckError::Sync(failure) => Self::Sync(failure),
            AckError::Backend(error) => Self::Backend(error),
            AckError::Fenced { group, stream } => Self::Busy { group, stream },
        }
    }
}
