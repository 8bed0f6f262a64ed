//! The log: appending to streams.

use std::sync::Arc;

use async_trait::async_trait;
use sourced::ExpectedSeq;
use sourced::backend::{AppendError, Appended, Limits, Store, StreamAppend};

use crate::append;
use crate::backend::Sqlite;
use crate::writer::Effect;

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
        let sql = Arc::clone(&self.inner.sql);
        self.inner
            .writer
            .run(Effect::Lasting, move |connection| {
                Box::pin(async move { append::append(connection, &sql, &appends).await })
            })
            .await
    }
}
