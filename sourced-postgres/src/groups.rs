//! Consumer groups: who wants which messages.

use async_trait::async_trait;
use sourced::backend::{BackendError, Group, Groups, StartFrom};
use sourced::message::TypeName;

use crate::backend::{Postgres, retrying};

#[async_trait]
impl Groups for Postgres {
    async fn register_group(&self, group: &Group) -> Result<(), BackendError> {
        let mut types: Vec<&str> = group.types.iter().map(TypeName::as_str).collect();
        types.sort_unstable();
        types.dedup();
        let known: Option<Vec<String>> = retrying!(self, connection =>
            sqlx::query_scalar(self.inner.sql.group_types.safe())
                .bind(group.id.as_str())
                .fetch_optional(&mut *connection)
                .await)?;
        if known.is_some_and(|known| known == types) {
            return Ok(());
        }
        // Doing it twice changes nothing the second time.
        retrying!(self, connection => sqlx::query(self.inner.sql.register_group.safe())
            .bind(group.id.as_str())
            .bind(&types[..])
            .bind(group.start_from == StartFrom::Now)
            .execute(&mut *connection)
            .await)?;
        self.inner.hints.raise();
        Ok(())
    }
}
