//! The log: appending to streams.

use async_trait::async_trait;
use sourced::ExpectedSeq;
use sourced::backend::{
    AckError, AppendError, Appended, BackendError, Limits, Store, StreamAppend,
};

use crate::append;
use crate::backend::Sqlite;
use crate::draft::Plain;

#[async_trait]
impl Store for Sqlite {
    async fn append(&self, appends: Vec<StreamAppend>) -> Result<Vec<Appended>, AppendError> {
        Limits::default().check(&appends)?;
        append::refuse_repetitions(&appends, &[])?;
        let is_nothing = |append: &StreamAppend| {
            append.messages.is_empty() && append.expected == ExpectedSeq::Any
        };
        if appends.iter().all(is_nothing) {
            return Ok(Vec::new());
        }
        let progress = None;
        let stored = self.inner.writer.store(Plain { appends, progress }).await;
        stored.map_err(|error| match error {
            AckError::Append(error) => error,
            AckError::Backend(error) => error.into(),
            other => BackendError::Refused(Box::new(other)).into(),
        })
    }
}
