//! Where a unit reads and is stored: the backend, or a transaction of the caller's.

use std::fmt;
use std::pin::pin;
use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::{mpsc, oneshot};

use super::App;
use crate::backend::{
    Appended, Backend, BackendError, Joined, ReadStream, Snapshot, UnitCommit, UnitError,
};
use crate::message::StoredMessage;
use crate::reactor::{Afterwards, Streams};
use crate::stream::{GroupId, StreamId};

pub(super) enum Site<'t> {
    /// In a transaction of its own.
    Backend(&'t App),
    /// In the caller's.
    Joined(&'t App, Box<dyn Joined + 't>),
}

impl Site<'_> {
    /// Gives `work` the streams as they are stored here, and runs it.
    pub(super) async fn reading<T, F: Future<Output = T>>(
        &mut self,
        work: impl FnOnce(Arc<dyn Streams>) -> F,
    ) -> T {
        match self {
            Self::Backend(app) => work(Arc::clone(app.inner.services.streams())).await,
            Self::Joined(app, transaction) => {
                let (requests_in, mut requests) = mpsc::unbounded_channel();
                let desk = Desk {
                    requests: requests_in,
                    backend: Arc::clone(app.backend()),
                };
                let mut work = pin!(work(Arc::new(desk)));
                loop {
                    tokio::select! {
                        biased;
                        done = &mut work => return done,
                        Some(Request { read, reply }) = requests.recv() => {
                            // Whoever asked may have gone.
                            _ = reply.send(transaction.read_stream(read).await);
                        }
                    }
                }
            }
        }
    }

    pub(super) async fn store(
        &mut self,
        unit: UnitCommit,
        afterwards: Vec<Arc<dyn Afterwards>>,
    ) -> Result<Vec<Appended>, UnitError> {
        match self {
            Self::Backend(app) => {
                let has_scheduled = !unit.schedules.is_empty();
                let places = app.backend().commit_unit(unit).await?;
                if has_scheduled {
                    app.inner.scheduled.raise();
                }
                for step in afterwards {
                    step.run(&app.inner.services).await;
                }
                Ok(places)
            }
            // Nobody knows whether the caller will commit.
            Self::Joined(_, transaction) => transaction.store_unit(unit).await,
        }
    }
}

/// Takes requests to the transaction: handlers may keep what they read from, and the transaction is only borrowed.
struct Desk {
    requests: mpsc::UnboundedSender<Request>,
    backend: Arc<dyn Backend>,
}

struct Request {
    read: ReadStream,
    reply: oneshot::Sender<Result<Vec<StoredMessage>, BackendError>>,
}

#[async_trait]
impl Streams for Desk {
    async fn read_stream(&self, read: ReadStream) -> Result<Vec<StoredMessage>, BackendError> {
        let ended = || BackendError::Refused("the unit that this belongs to has ended".into());
        let (reply, answer) = oneshot::channel();
        let request = Request { read, reply };
        self.requests.send(request).map_err(|_| ended())?;
        answer.await.map_err(|_| ended())?
    }

    /// None: the transaction may see less than the newest snapshot knows.
    async fn snapshot(&self, _: &GroupId, _: &StreamId) -> Result<Option<Snapshot>, BackendError> {
        Ok(None)
    }

    /// Of a stream of which the transaction has seen that something was removed, so it sees all that this knows.
    async fn base(
        &self,
        actor: &GroupId,
        stream: &StreamId,
    ) -> Result<Option<Snapshot>, BackendError> {
        self.backend.base(actor, stream).await
    }
}

impl fmt::Debug for Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Desk").finish_non_exhaustive()
    }
}
