//! What a broken backend does with tables.

use sourced::GroupId;
use sourced::backend::{BackendError, RowQuery, Table, TableError, Tables, Values};

use crate::broken::{Broken, Fault, backend};

fn nobody() -> GroupId {
    GroupId::new("nobody").expect("it is a name")
}

backend! {
    Tables for Broken {
        async fn ensure_table(&self, table: &Table, group: &GroupId) -> Result<(), TableError> {
            if self.has(Fault::MakesTablesAlone) {
                return self.memory.ensure_table(table, &nobody()).await;
            }
            self.memory.ensure_table(table, group).await
        }

        async fn rebuild_table(&self, table: &Table, group: &GroupId) -> Result<(), BackendError> {
            if self.has(Fault::EmptiesTablesAlone) {
                self.memory.drop_table(table).await?;
                let made = self.memory.ensure_table(table, &nobody()).await;
                return made.map_err(|error| BackendError::Refused(error.into()));
            }
            self.memory.rebuild_table(table, group).await
        }

        async fn rows(&self, table: &Table, query: &RowQuery) -> Result<Vec<Values>, BackendError> {
            let mut query = query.clone();
            if self.has(Fault::IgnoresWherePagesBegin) {
                query.after = None;
            }
            self.memory.rows(table, &query).await
        }
    } else {
        drop_table(table: &Table) -> Result<(), BackendError>;
    }
}
