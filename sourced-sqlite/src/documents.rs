//! Documents: the read side. They are written in [`tx`](crate::tx).

use async_trait::async_trait;
use sourced::backend::{BackendError, Document, Documents, check_document_key};
use sourced::message::Payload;
use sqlx::{Row as _, SqliteConnection};

use crate::backend::Sqlite;
use crate::error;
use crate::reader::SqliteReader;
use crate::row::limit;
use crate::sql::Statements;

/// The same for whoever has connections that read.
macro_rules! documents_of {
    ($($backend:ty),*) => {$(
        #[async_trait]
        impl Documents for $backend {
            async fn document(&self, collection: &str, key: &str) -> Result<Option<Payload>, BackendError> {
                check_document_key(collection, key)?;
                document(&mut *self.reader().await?, self.sql(), collection, key).await
            }

            async fn documents(
                &self,
                collection: &str,
                after: Option<&str>,
                page: usize,
            ) -> Result<Vec<Document>, BackendError> {
                check_document_key(collection, after.unwrap_or_default())?;
                let sql = self.sql();
                let query = match after {
                    None => sqlx::query(sql.documents.clone())
                        .bind(collection)
                        .bind(limit(page)),
                    Some(after) => sqlx::query(sql.documents_after.clone())
                        .bind(collection)
                        .bind(limit(page))
                        .bind(after),
                };
                let rows = query.fetch_all(&mut *self.reader().await?).await;
                rows.map_err(error::backend)?
                    .iter()
                    .map(|row| {
                        Ok(Document {
                            key: row.try_get(0).map_err(error::backend)?,
                            value: Payload::from_storage(
                                row.try_get::<&str, _>(1).map_err(error::backend)?,
                            ),
                        })
                    })
                    .collect()
            }
        }
    )*};
}
documents_of!(Sqlite, SqliteReader);

/// Reads a document as this connection sees it.
pub(crate) async fn document(
    connection: &mut SqliteConnection,
    sql: &Statements,
    collection: &str,
    key: &str,
) -> Result<Option<Payload>, BackendError> {
    let row = sqlx::query(sql.document.clone())
        .bind(collection)
        .bind(key)
        .fetch_optional(connection)
        .await
        .map_err(error::backend)?;
    let Some(row) = row else {
        return Ok(None);
    };
    let text: &str = row.try_get(0).map_err(error::backend)?;
    Ok(Some(Payload::from_storage(text)))
}
