//! Joining a transaction that the caller has begun.

use std::error::Error as StdError;

use async_trait::async_trait;

use super::{Appended, BackendError, Live, ReadStream, Snapshot, UnitCommit, UnitError};
use crate::message::{Payload, StoredMessage};
use crate::stream::{GroupId, StreamId};

/// A transaction of the caller's that units are stored in, made by [`Units::join`](super::Units::join).
///
/// It neither commits nor rolls back: that is for the caller to do, and until then nobody else sees anything. Nobody is
/// woken up either.
///
/// - *safe-to-drop*: whoever gives a call up at any of its awaits finds the transaction as it was before, or it refuses to
///   commit and says why. A part of a unit is never committed, and nothing runs outside of the transaction.
///
/// It needs no connection but that of the transaction: others may hold all that a pool has, and wait for this one.
#[async_trait]
pub trait Joined: Send {
    /// As [`Log::read_stream`](super::Log::read_stream), as the transaction sees it: with what it appended itself,
    /// and what others have committed by now.
    ///
    /// # Errors
    /// [`BackendError`] when the storage does not answer.
    async fn read_stream(&mut self, read: ReadStream) -> Result<Vec<StoredMessage>, BackendError>;

    /// As [`Snapshots::base`](super::Snapshots::base), as the transaction sees it.
    ///
    /// # Errors
    /// [`BackendError`] when the storage does not answer.
    async fn base(
        &mut self,
        actor: &GroupId,
        stream: &StreamId,
    ) -> Result<Option<Snapshot>, BackendError>;

    /// As [`Documents::document`](super::Documents::document), as the transaction sees it.
    ///
    /// # Errors
    /// [`BackendError`] when the storage does not answer.
    async fn document(
        &mut self,
        collection: &str,
        key: &str,
    ) -> Result<Option<Payload>, BackendError>;

    /// As [`Versions::live`](super::Versions::live), as the transaction sees it.
    ///
    /// # Errors
    /// [`BackendError`] when the storage does not answer.
    async fn live(&mut self, table: &str) -> Result<Option<Live>, BackendError>;

    /// As [`Units::commit_unit`](super::Units::commit_unit), but for the commit. When it stores nothing, the transaction
    /// is as it was before and can go on, unless the storage itself has failed.
    ///
    /// # Errors
    /// [`UnitError`] says why nothing was stored.
    async fn store_unit(&mut self, unit: UnitCommit) -> Result<Vec<Appended>, UnitError>;
}

/// Why a unit cannot join a transaction. Nothing was stored, and the transaction can go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JoinError {
    /// The backend has no transactions that a caller could begin, as the one in memory.
    #[error("this backend has no transactions to join")]
    Unsupported,
    /// The connection is not one of this backend's kind.
    #[error("the connection must be a {0} of sqlx, or a transaction of one")]
    OtherKind(&'static str),
    /// The connection leads to a database, or a file, that this backend does not use.
    #[error("the connection leads to another database than the app's")]
    OtherDatabase,
    /// The connection is in no transaction, so what is stored could not be undone.
    #[error("the connection is in no transaction: begin one with sqlx, and hand it over")]
    NoTransaction,
    /// The transaction would not see what others commit meanwhile, and so could store what is no longer true.
    #[error("the transaction is {found}: a unit can only join one that is {wanted}")]
    Isolation {
        /// What it is.
        found: String,
        /// What it has to be.
        wanted: &'static str,
    },
    /// The transaction may not write, or could not get the write lock.
    #[error("the transaction cannot write: {0}")]
    NotWriting(#[source] Box<dyn StdError + Send + Sync>),
    /// An earlier unit was given up in the transaction, which still holds a part of it and cannot commit.
    #[error(
        "a unit was given up in the transaction, which cannot commit any more: roll it back, or to a savepoint from before"
    )]
    GivenUp,
    /// The storage did not answer.
    #[error("{0}")]
    Backend(#[from] BackendError),
}
