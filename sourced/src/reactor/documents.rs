//! Reading documents outside of a transaction.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use serde::de::DeserializeOwned;

use crate::backend::{Backend, BackendError};
use crate::failure::Failure;
use crate::message::Payload;

/// Reads the documents that projections have written with [`Tx::put`](crate::Tx::put). Every app has one: handlers get it
/// by a parameter `documents: Res<DocumentReader>`.
///
/// It sees what is committed; in a unit that has joined a transaction of the caller's, what that sees. In a transaction,
/// [`Tx::get`](crate::Tx::get) sees what that has written as well.
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use sourced::DocumentReader;
/// use sourced::prelude::*;
///
/// #[event("cart.item_added")]
/// pub struct ItemAdded;
///
/// #[command("cart.offer")]
/// pub struct Offer;
///
/// #[derive(Debug, Default, Serialize, Deserialize)]
/// struct Cart {
///     n_items: u32,
/// }
///
/// #[projector(stored)]
/// impl Cart {
///     #[state]
///     async fn load(id: &StreamId, documents: Res<DocumentReader>) -> Result<Option<Self>, Failure> {
///         documents.get("carts", id).await
///     }
///
///     #[event]
///     fn added(&mut self, _: &ItemAdded) {
///         self.n_items += 1;
///     }
///
///     #[reaction]
///     fn offer(&self, _: &ItemAdded) -> Option<Offer> {
///         (self.n_items == 10).then_some(Offer)
///     }
///
///     #[sync]
///     async fn save(&self, id: &StreamId, tx: &mut Tx<'_>) -> Result<(), Failure> {
///         tx.put("carts", id, self).await
///     }
/// }
/// ```
#[derive(Debug, Clone)]
pub struct DocumentReader(Arc<dyn Shelf>);

/// Where documents are.
#[async_trait]
pub(crate) trait Shelf: fmt::Debug + Send + Sync {
    async fn document(&self, collection: &str, key: &str) -> Result<Option<Payload>, BackendError>;
}

#[async_trait]
impl Shelf for Arc<dyn Backend> {
    async fn document(&self, collection: &str, key: &str) -> Result<Option<Payload>, BackendError> {
        (**self).document(collection, key).await
    }
}

impl DocumentReader {
    /// Of this storage.
    pub fn new(backend: Arc<dyn Backend>) -> Self {
        Self::of(Arc::new(backend))
    }

    pub(crate) fn of(shelf: Arc<dyn Shelf>) -> Self {
        Self(shelf)
    }

    /// Reads a document.
    ///
    /// # Errors
    /// [`Failure`] when it is not a `T`, or the storage does not answer.
    pub async fn get<T: DeserializeOwned>(
        &self,
        collection: &str,
        key: impl AsRef<str>,
    ) -> Result<Option<T>, Failure> {
        match self.0.document(collection, key.as_ref()).await? {
            Some(value) => Ok(Some(value.decode()?)),
            None => Ok(None),
        }
    }
}
