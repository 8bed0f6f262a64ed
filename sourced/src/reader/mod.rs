//! Reading what is stored, without being able to write: the log as feeds, streams, and documents.

mod feed;

pub use feed::{Feed, TypedFeed};

use std::sync::Arc;

use serde::de::DeserializeOwned;

use crate::backend::{BackendError, Document, ReadOnly, ReadStream, Selection};
use crate::env::Clock;
use crate::failure::Failure;
use crate::message::{MessageId, StoredMessage};
use crate::stream::Position;

/// Reads what is stored, and cannot write. Cloning is cheap.
///
/// An app has one, [`App::reader`](crate::App::reader). A program that only reads, such as a report, makes one of a backend
/// that it has opened for reading.
///
/// ```
/// use sourced::backend::Memory;
/// use sourced::{Position, Reader, Selection};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let reader = Reader::new(Memory::new());
/// assert_eq!(reader.log_end().await?, Position::START);
/// assert_eq!(reader.log(Selection::all()).count().await?, 0);
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct Reader {
    backend: Arc<dyn ReadOnly>,
    clock: Arc<dyn Clock>,
}

impl Reader {
    /// Reads from this storage.
    #[cfg(feature = "tokio")]
    pub fn new(backend: impl ReadOnly) -> Self {
        Self::with_clock(Arc::new(backend), Arc::new(crate::env::SystemClock))
    }

    /// Reads from this storage; feeds that wait for more look again by this clock.
    pub fn with_clock(backend: Arc<dyn ReadOnly>, clock: Arc<dyn Clock>) -> Self {
        Self { backend, clock }
    }

    /// What is meant of the log, as a feed.
    pub fn log(&self, selection: Selection) -> Feed {
        Feed::new(self.clone(), selection)
    }

    /// Reads a part of one stream.
    ///
    /// # Errors
    /// [`BackendError`] when the storage does not answer.
    pub async fn stream(&self, read: ReadStream) -> Result<Vec<StoredMessage>, BackendError> {
        self.backend.read_stream(read).await
    }

    /// Finds a message by its id.
    ///
    /// # Errors
    /// [`BackendError`] when the storage does not answer.
    pub async fn find(&self, id: MessageId) -> Result<Option<StoredMessage>, BackendError> {
        self.backend.find(id).await
    }

    /// The last position that a feed of the whole log would give now; [`Position::START`] when it is empty.
    ///
    /// # Errors
    /// [`BackendError`] when the storage does not answer.
    pub async fn log_end(&self) -> Result<Position, BackendError> {
        self.backend.log_end().await
    }

    /// Reads a document that a projection has written with [`Tx::put`](crate::Tx::put).
    ///
    /// # Errors
    /// [`Failure`] when it is not a `T`, or the storage does not answer.
    pub async fn document<T: DeserializeOwned>(
        &self,
        collection: &str,
        key: impl AsRef<str>,
    ) -> Result<Option<T>, Failure> {
        match self.backend.document(collection, key.as_ref()).await? {
            Some(value) => Ok(Some(value.decode()?)),
            None => Ok(None),
        }
    }

    /// Reads a page of a collection that projections have written with [`Tx::put`](crate::Tx::put), in the byte order of
    /// the keys: at most `limit` documents after the key `after`.
    ///
    /// # Errors
    /// [`Failure`] when one of them is not a `T`, or the storage does not answer.
    pub async fn documents<T: DeserializeOwned>(
        &self,
        collection: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, T)>, Failure> {
        let documents = self.backend.documents(collection, after, limit).await?;
        let typed = |document: Document| Ok((document.key, document.value.decode()?));
        documents.into_iter().map(typed).collect()
    }
}
