//! Documents: a small read model that every backend has.

use async_trait::async_trait;

use super::BackendError;
use crate::message::Payload;

/// JSON values by collection and key, written inside the transaction that acknowledges (see [`Tx`](super::Tx)).
///
/// They are for projections that want no table of their own.
#[async_trait]
pub trait Documents: Send + Sync {
    /// Reads one document.
    ///
    /// # Errors
    /// [`BackendError::Refused`] with [`KeyError`](super::KeyError) when there can be no such key; another one when the storage
    /// does not answer.
    async fn document(&self, collection: &str, key: &str) -> Result<Option<Payload>, BackendError>;

    /// Reads a page of a collection in the byte order of keys: at most `limit` documents after the key `after`.
    ///
    /// # Errors
    /// [`BackendError`] when the storage does not answer.
    async fn documents(
        &self,
        collection: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Document>, BackendError>;
}

/// A stored JSON value and its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Unique in its collection.
    pub key: String,
    /// The value, as it was written.
    pub value: Payload,
}
