//! Sync actions for the checks: small programs that run inside the acknowledging transaction.

use std::sync::Arc;

use async_trait::async_trait;
use sourced::backend::{Backend, BackendError, SyncAction, Tx};
use sourced::{Failure, Payload};
use tokio::sync::Semaphore;

/// The collection all steps write to.
pub(super) const DOCS: &str = "docs";

/// One step of a sync action.
#[derive(Debug, Clone)]
pub(super) enum Step {
    Put(&'static str, u64),
    Delete(&'static str),
    /// Reads the document, adds one, writes it.
    Increment(&'static str),
    /// Fails unless the transaction sees this.
    Sees(&'static str, Option<u64>),
    Fail(&'static str),
    /// Fails because the storage does not answer.
    Outage,
    Panic,
    /// Says that it is here, then waits to be let through.
    Gate(Gate),
}

/// Where a sync action can be stopped.
#[derive(Debug, Clone)]
pub(super) struct Gate {
    arrived: Arc<Semaphore>,
    open: Arc<Semaphore>,
}

impl Gate {
    pub(super) fn closed() -> Self {
        Self {
            arrived: Arc::new(Semaphore::new(0)),
            open: Arc::new(Semaphore::new(0)),
        }
    }

    /// Resolves when a sync action stands here.
    pub(super) async fn arrival(&self) {
        self.arrived.acquire().await.unwrap().forget();
    }

    /// Lets everybody through from now on.
    pub(super) fn open(&self) {
        self.open.add_permits(1_000);
    }

    async fn pass(&self) {
        self.arrived.add_permits(1);
        self.open.acquire().await.unwrap().forget();
    }
}

/// An error of somebody's own, around that of the storage.
#[derive(Debug, thiserror::Error)]
#[error("it cannot be saved")]
struct FailedInside(#[source] BackendError);

#[derive(Debug)]
struct Steps(Vec<Step>);

/// A sync action of these steps.
pub(super) fn steps(steps: impl Into<Vec<Step>>) -> Arc<dyn SyncAction> {
    Arc::new(Steps(steps.into()))
}

#[async_trait]
impl SyncAction for Steps {
    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Failure> {
        for step in &self.0 {
            match step {
                Step::Put(key, value) => tx.put(DOCS, key, value).await?,
                Step::Delete(key) => tx.delete(DOCS, key).await?,
                Step::Increment(key) => {
                    let count: Option<u64> = tx.get(DOCS, key).await?;
                    tx.put(DOCS, key, &(count.unwrap_or(0) + 1)).await?;
                }
                Step::Sees(key, expected) => {
                    let found: Option<u64> = tx.get(DOCS, key).await?;
                    if found != *expected {
                        return Err(Failure::msg(format!("`{key}` is {found:?}")));
                    }
                }
                Step::Fail(why) => return Err(Failure::msg(why)),
                Step::Outage => {
                    let away = BackendError::Unavailable("it is away".into());
                    return Err(FailedInside(away).into());
                }
                Step::Panic => panic!("this sync action panics on purpose"),
                Step::Gate(gate) => {
                    // An action that only writes may be run before the transaction begins.
                    _ = tx.get::<u64>(DOCS, "gate").await?;
                    gate.pass().await;
                }
            }
        }
        Ok(())
    }
}

/// Writes a document as it is given.
#[derive(Debug)]
pub(super) struct PutJson {
    pub(super) collection: String,
    pub(super) key: String,
    pub(super) json: String,
}

#[async_trait]
impl SyncAction for PutJson {
    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Failure> {
        let value: serde_json::Value = Payload::parse(&self.json)?.decode()?;
        tx.put(&self.collection, &self.key, &value).await
    }
}

/// The number in a document, if it is there.
pub(super) async fn doc(store: &impl Backend, key: &str) -> Option<u64> {
    let value = store.document(DOCS, key).await.unwrap();
    value.map(|value| value.decode().unwrap())
}
