//! Where a unit reads and is stored: the backend, or a transaction of the caller's.

use std::fmt;
use std::pin::pin;
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use tokio::sync::{mpsc, oneshot};

use super::App;
use crate::backend::{
    Appended, BackendError, Joined, Live, ReadStream, Snapshot, UnitCommit, UnitError,
};
use crate::message::{Payload, StoredMessage};
use crate::reactor::{Afterwards, DocumentReader, Services, Shelf, Streams};
use crate::stream::{GroupId, StreamId};

pub(in crate::runtime) enum Site<'t> {
    /// In a transaction of its own.
    Backend(&'t App),
    /// In the caller's.
    Joined(&'t App, Box<dyn Joined + 't>),
}

impl Site<'_> {
    /// Gives `work` the streams as they are stored here, and what handlers may ask for, and runs it.
    pub(super) async fn reading<T, F: Future<Output = T>>(
        &mut self,
        work: impl FnOnce(Arc<dyn Streams>, Arc<Services>) -> F,
    ) -> T {
        match self {
            Self::Backend(app) => {
                let services = &app.inner.services;
                work(Arc::clone(services.streams()), Arc::clone(services)).await
            }
            Self::Joined(app, transaction) => {
                let (questions, mut asked) = mpsc::unbounded_channel();
                let desk = Arc::new(Desk { questions });
                let documents = DocumentReader::of(Arc::clone(&desk) as Arc<dyn Shelf>);
                let services = app.inner.services.with_documents(documents);
                let mut work = pin!(work(desk, Arc::new(services)));
                loop {
                    tokio::select! {
                        biased;
                        done = &mut work => return done,
                        Some(question) = asked.recv() => question(&mut **transaction).await,
                    }
                }
            }
        }
    }

    /// Which version of a table is live.
    pub(in crate::runtime) async fn live(
        &mut self,
        table: &str,
    ) -> Result<Option<Live>, BackendError> {
        match self {
            Self::Backend(app) => app.backend().live(table).await,
            Self::Joined(_, transaction) => transaction.live(table).await,
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

/// Takes questions to the transaction: handlers may keep what they read from, and the transaction is only borrowed.
struct Desk {
    questions: mpsc::UnboundedSender<Question>,
}

type Question = Box<dyn for<'j> FnOnce(&'j mut dyn Joined) -> BoxFuture<'j, ()> + Send>;

impl Desk {
    async fn ask<T: Send + 'static>(
        &self,
        question: impl for<'j> FnOnce(&'j mut dyn Joined) -> BoxFuture<'j, Result<T, BackendError>>
        + Send
        + 'static,
    ) -> Result<T, BackendError> {
        let ended = || BackendError::Refused("the unit that this belongs to has ended".into());
        let (reply, answer) = oneshot::channel();
        let question: Question = Box::new(|transaction| {
            let asked = question(transaction);
            // Whoever asked may have gone.
            Box::pin(async move { drop(reply.send(asked.await)) })
        });
        self.questions.send(question).map_err(|_| ended())?;
        answer.await.map_err(|_| ended())?
    }
}

#[async_trait]
impl Streams for Desk {
    async fn read_stream(&self, read: ReadStream) -> Result<Vec<StoredMessage>, BackendError> {
        self.ask(|transaction| transaction.read_stream(read)).await
    }

    /// None: the transaction may see less than the newest snapshot knows.
    async fn snapshot(&self, _: &GroupId, _: &StreamId) -> Result<Option<Snapshot>, BackendError> {
        Ok(None)
    }

    async fn base(
        &self,
        actor: &GroupId,
        stream: &StreamId,
    ) -> Result<Option<Snapshot>, BackendError> {
        let (actor, stream) = (actor.clone(), stream.clone());
        self.ask(|transaction| Box::pin(async move { transaction.base(&actor, &stream).await }))
            .await
    }
}

#[async_trait]
impl Shelf for Desk {
    async fn document(&self, collection: &str, key: &str) -> Result<Option<Payload>, BackendError> {
        let (collection, key) = (collection.to_owned(), key.to_owned());
        self.ask(|transaction| {
            Box::pin(async move { transaction.document(&collection, &key).await })
        })
        .await
    }
}

impl fmt::Debug for Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Desk").finish_non_exhaustive()
    }
}
