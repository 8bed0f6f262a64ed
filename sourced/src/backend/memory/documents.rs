//! Documents in memory, and the transaction that writes them.

use std::any::Any;
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use async_trait::async_trait;

use super::tables::RowOverlay;
use super::{Memory, Shared, State};
use crate::backend::{
    BackendError, Document, Documents, RowChanges, Table, TxOps, Values, check_document_key,
};
use crate::message::Payload;

#[async_trait]
impl Documents for Memory {
    async fn document(&self, collection: &str, key: &str) -> Result<Option<Payload>, BackendError> {
        check_document_key(collection, key)?;
        Ok(self.shared.document(collection, key))
    }

    async fn documents(
        &self,
        collection: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Document>, BackendError> {
        check_document_key(collection, after.unwrap_or_default())?;
        let state = self.state();
        let Some(documents) = state.documents.get(collection) else {
            return Ok(Vec::new());
        };
        let after = after.map_or(Bound::Unbounded, Bound::Excluded);
        let page = documents.range::<str, _>((after, Bound::Unbounded));
        Ok(page
            .take(limit)
            .map(|(key, value)| Document {
                key: key.clone(),
                value: value.clone(),
            })
            .collect())
    }
}

impl Shared {
    fn document(&self, collection: &str, key: &str) -> Option<Payload> {
        self.state().documents.get(collection)?.get(key).cloned()
    }
}

/// What sync actions have written so far, laid over the store; `None` is a document that is removed.
pub(super) struct Overlay {
    store: Arc<Shared>,
    written: BTreeMap<(String, String), Option<Payload>>,
    rows: RowOverlay,
    /// There is no connection to give away.
    connection: (),
}

impl Overlay {
    pub(super) fn new(store: &Memory) -> Self {
        Self {
            store: Arc::clone(&store.shared),
            written: BTreeMap::new(),
            rows: RowOverlay::default(),
            connection: (),
        }
    }

    /// Writes it all.
    pub(super) fn apply(self, state: &mut State) {
        self.rows.apply(&mut state.tables);
        for ((collection, key), value) in self.written {
            let documents = state.documents.entry(collection).or_default();
            match value {
                Some(value) => _ = documents.insert(key, value),
                None => _ = documents.remove(&key),
            }
        }
    }
}

#[async_trait]
impl TxOps for Overlay {
    async fn put_document(
        &mut self,
        collection: &str,
        key: &str,
        value: Payload,
    ) -> Result<(), BackendError> {
        let place = (collection.to_owned(), key.to_owned());
        self.written.insert(place, Some(value));
        Ok(())
    }

    async fn get_document(
        &mut self,
        collection: &str,
        key: &str,
    ) -> Result<Option<Payload>, BackendError> {
        let place = (collection.to_owned(), key.to_owned());
        Ok(match self.written.get(&place) {
            Some(written) => written.clone(),
            None => self.store.document(collection, key),
        })
    }

    async fn delete_document(&mut self, collection: &str, key: &str) -> Result<(), BackendError> {
        let place = (collection.to_owned(), key.to_owned());
        self.written.insert(place, None);
        Ok(())
    }

    async fn read_rows(
        &mut self,
        table: &Table,
        keys: &[Values],
    ) -> Result<Vec<Values>, BackendError> {
        self.rows.read(&self.store.state().tables, table, keys)
    }

    async fn change_rows(
        &mut self,
        table: &Table,
        changes: &RowChanges,
    ) -> Result<(), BackendError> {
        self.rows.change(&self.store.state().tables, table, changes)
    }

    /// A `()`: memory has no connection.
    fn connection(&mut self) -> &mut dyn Any {
        &mut self.connection
    }
}
