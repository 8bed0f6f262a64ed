//! Documents: a small read model that every backend has.

use async_trait::async_trait;
use sourced::Payload;
use sourced::backend::{BackendError, Document, Documents, check_document_key};
use sqlx::PgConnection;

use crate::backend::{Attempt, Postgres, retrying};
use crate::row::clamped;
use crate::sql::Sql;

#[async_trait]
impl Documents for Postgres {
    async fn document(&self, collection: &str, key: &str) -> Result<Option<Payload>, BackendError> {
        check_document_key(collection, key)?;
        let sql = &self.inner.sql;
        let value =
            retrying!(self, connection => find(sql, &mut connection, collection, key).await)?;
        Ok(value.map(Payload::from_storage))
    }

    async fn documents(
        &self,
        collection: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Document>, BackendError> {
        check_document_key(collection, after.unwrap_or_default())?;
        let sql = &self.inner.sql;
        let rows: Vec<(String, String)> = retrying!(self, connection => match after {
            Some(after) => sql.documents.query_as().bind(collection).bind(after),
            None => sql.first_documents.query_as().bind(collection),
        }
        .bind(clamped(limit))
        .fetch_all(&mut *connection)
        .await)?;
        let documents = rows.into_iter().map(|(key, value)| Document {
            key,
            value: Payload::from_storage(value),
        });
        Ok(documents.collect())
    }
}

/// The text of a document as this connection sees it.
pub(crate) async fn find(
    sql: &Sql,
    connection: &mut PgConnection,
    collection: &str,
    key: &str,
) -> Attempt<Option<String>> {
    let query = sql.get_document.query_scalar().bind(collection).bind(key);
    Ok(query.fetch_optional(connection).await?)
}
