//! `PostgresReader`: connections that only read.

use async_trait::async_trait;
use sourced::Position;
use sourced::backend::{
    BackendError, Document, Documents, Log, Page, ReadLog, ReadStream, Selection, Signal, Summary,
    Wake,
};
use sourced::message::{CorrelationId, MessageId, Payload, StoredMessage};

use crate::backend::Postgres;

/// A database connected for reading, by [`PostgresBuilder::connect_read_only`](crate::PostgresBuilder::connect_read_only):
/// for a [`Reader`](sourced::Reader). Clones share one pool of connections.
#[derive(Clone, Debug)]
pub struct PostgresReader(pub(crate) Postgres);

#[async_trait]
impl Log for PostgresReader {
    async fn read_stream(&self, read: ReadStream) -> Result<Vec<StoredMessage>, BackendError> {
        self.0.read_stream(read).await
    }

    async fn read_log(&self, read: &ReadLog) -> Result<Page, BackendError> {
        self.0.read_log(read).await
    }

    async fn summary(&self, selection: &Selection) -> Result<Summary, BackendError> {
        self.0.summary(selection).await
    }

    async fn log_end(&self) -> Result<Position, BackendError> {
        self.0.log_end().await
    }

    async fn find(&self, id: MessageId) -> Result<Option<StoredMessage>, BackendError> {
        self.0.find(id).await
    }

    async fn read_correlation(
        &self,
        id: CorrelationId,
    ) -> Result<Vec<StoredMessage>, BackendError> {
        self.0.read_correlation(id).await
    }

    fn setbacks(&self) -> u64 {
        self.0.setbacks()
    }
}

#[async_trait]
impl Documents for PostgresReader {
    async fn document(&self, collection: &str, key: &str) -> Result<Option<Payload>, BackendError> {
        self.0.document(collection, key).await
    }

    async fn documents(
        &self,
        collection: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Document>, BackendError> {
        self.0.documents(collection, after, limit).await
    }
}

impl Wake for PostgresReader {
    fn signal(&self) -> Signal {
        self.0.signal()
    }
}
