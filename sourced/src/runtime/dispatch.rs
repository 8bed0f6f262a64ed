//! Dispatching: storing commands for workers to decide, now or later.

use std::collections::HashMap;

use super::{App, DispatchError, Place, Receipt};
use crate::actor::{Outgoing, Parcel};
use crate::backend::{
    AppendError, Appended, BackendError, Change, ExpectedSeq, Scheduled, Scheduling, StreamAppend,
    Waiting,
};
use crate::message::{MessageId, Metadata};
use crate::stream::StreamId;
use crate::telemetry::current_trace;
use crate::time::Timestamp;

impl App {
    /// Stores a command, to be decided by a worker.
    ///
    /// A command with an id that was dispatched before is recognised and stored once: the id says which command it is, so
    /// what was stored first stands, whatever the second one asks for. One that was told to wait, by
    /// [`Outgoing::at`] or [`Outgoing::after`], is scheduled: it enters its stream when its time has come and a worker
    /// runs. The time is told to this process's clock when it is dispatched, and to the storage's clock from then on.
    ///
    /// ```
    /// use std::time::Duration;
    /// use sourced::prelude::*;
    /// use sourced::{Outcome, Place};
    ///
    /// #[derive(Default)]
    /// struct Kettle;
    ///
    /// #[actor]
    /// impl Kettle {
    ///     #[command]
    ///     fn boil(&self) -> Boiled { Boiled {} }
    ///     #[event]
    ///     fn boiled(&mut self) {}
    /// }
    ///
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let app = App::builder().register::<Kettle>().build().await?;
    /// let receipt = app.dispatch(Boil {}.to("kettle-1").after(Duration::from_secs(3600))).await?;
    /// let Place::Scheduled { at } = receipt.place else { panic!("not yet") };
    /// assert_eq!(app.outcome(receipt.id).await?, Outcome::Scheduled(at));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`DispatchError`] says why nothing was stored.
    pub async fn dispatch(&self, command: impl Into<Outgoing>) -> Result<Receipt, DispatchError> {
        let mut receipts = self.dispatch_all([command]).await?;
        receipts.pop().ok_or_else(|| {
            let lost =
                BackendError::Corrupt("an append of one message was answered with none".into());
            DispatchError::Append(AppendError::Backend(lost))
        })
    }

    /// Stores several commands in one transaction, to be decided by workers. The receipts have the order of the commands.
    ///
    /// # Errors
    /// [`DispatchError`] says why nothing was stored.
    pub async fn dispatch_all(
        &self,
        commands: impl IntoIterator<Item = impl Into<Outgoing>>,
    ) -> Result<Vec<Receipt>, DispatchError> {
        let mut appends: Vec<StreamAppend> = Vec::new();
        let mut index_of: HashMap<StreamId, usize> = HashMap::new();
        let mut later: Vec<Scheduled> = Vec::new();
        let mut order = Vec::new();
        let mut known: HashMap<MessageId, StreamId> = HashMap::new();
        for command in commands {
            let (stream, Parcel { at, message, .. }) = self.parcel(command.into())?;
            let is_known = known.get(&message.id) == Some(&stream);
            order.push((message.id, is_known));
            if is_known {
                continue;
            }
            known.insert(message.id, stream.clone());
            if let Some(at) = at {
                later.push(Scheduled {
                    at,
                    stream,
                    message,
                });
                continue;
            }
            let index = *index_of.entry(stream.clone()).or_insert(appends.len());
            if index == appends.len() {
                appends.push(StreamAppend {
                    stream,
                    expected: ExpectedSeq::Any,
                    messages: Vec::new(),
                });
            }
            appends[index].messages.push(message);
        }
        let times: Vec<_> = later.iter().map(|one| (one.message.id, one.at)).collect();
        let (appended, scheduling) = self.store(appends, later).await?;
        let stored = appended.into_iter().map(|appended| {
            let place = Place::Stored {
                seq: appended.seq,
                position: appended.position,
            };
            (appended.id, (place, appended.already_stored))
        });
        let mut places: HashMap<MessageId, _> = stored.collect();
        for ((id, at), scheduling) in times.into_iter().zip(scheduling) {
            let place = match scheduling {
                Scheduling::Done => Place::Scheduled { at },
                // An earlier call stands, and may have said another time.
                Scheduling::AlreadyScheduled | Scheduling::AlreadyStored => self
                    .place_of(id)
                    .await
                    .map_err(AppendError::Backend)?
                    .unwrap_or(Place::Scheduled { at }),
            };
            places.insert(id, (place, scheduling != Scheduling::Done));
        }
        let receipts = order.into_iter().filter_map(|(id, is_known)| {
            let (place, already_stored) = *places.get(&id)?;
            let already_stored = already_stored || is_known;
            Some(Receipt::new(self.clone(), id, place, already_stored))
        });
        Ok(receipts.collect())
    }

    async fn place_of(&self, id: MessageId) -> Result<Option<Place>, BackendError> {
        if let Some(Waiting::Until(at)) = self.backend().waiting(id).await? {
            return Ok(Some(Place::Scheduled { at }));
        }
        let stored = self.backend().find(id).await?;
        Ok(stored.map(|message| Place::Stored {
            seq: message.seq,
            position: message.position,
        }))
    }

    pub(super) fn parcel(&self, command: Outgoing) -> Result<(StreamId, Parcel), DispatchError> {
        let type_name = command.type_name().clone();
        if !self.inner.deciders.contains_key(&type_name) {
            return Err(DispatchError::NobodyDecides(type_name));
        }
        let mut parcel = command.into_parcel(&self.inner.services.env)?;
        let own = self.metadata_now().sealed(self.principal.as_ref())?;
        parcel.message.metadata = own.merged(parcel.message.metadata);
        let stream = parcel.stream.take();
        Ok((stream.ok_or(DispatchError::NoStream(type_name))?, parcel))
    }

    /// With the trace that this code runs in, where OpenTelemetry knows one and the program says none.
    pub(super) fn metadata_now(&self) -> Metadata {
        match current_trace() {
            Some(trace) if self.metadata.traceparent().is_none() => {
                self.metadata.clone().with_traceparent(trace)
            }
            _ => self.metadata.clone(),
        }
    }

    /// Stores, and once more when nobody can tell whether it was stored: the same ids make that safe.
    async fn store(
        &self,
        appends: Vec<StreamAppend>,
        later: Vec<Scheduled>,
    ) -> Result<(Vec<Appended>, Vec<Scheduling>), AppendError> {
        match self.store_once(appends.clone(), later.clone()).await {
            Err(AppendError::Backend(error)) if error.is_transient() => {
                self.store_once(appends, later).await
            }
            other => other,
        }
    }

    async fn store_once(
        &self,
        appends: Vec<StreamAppend>,
        later: Vec<Scheduled>,
    ) -> Result<(Vec<Appended>, Vec<Scheduling>), AppendError> {
        if later.is_empty() {
            return Ok((self.backend().append(appends).await?, Vec::new()));
        }
        let stored = self.backend().schedule(appends, later).await?;
        self.inner.scheduled.raise();
        Ok(stored)
    }

    /// Lists commands that wait for their time, in the order of times and then of ids: at most `limit` after the one of
    /// this time and id.
    ///
    /// # Errors
    /// [`BackendError`] when the storage does not answer.
    pub async fn scheduled(
        &self,
        after: Option<(Timestamp, MessageId)>,
        limit: usize,
    ) -> Result<Vec<Scheduled>, BackendError> {
        self.backend().scheduled(after, limit).await
    }

    /// Takes back a scheduled command, unless it is in its stream already.
    ///
    /// # Errors
    /// [`BackendError`] when the storage does not answer.
    pub async fn cancel(&self, command: MessageId) -> Result<Change, BackendError> {
        self.backend().cancel(command).await
    }

    /// Gives a scheduled command another time, unless it is in its stream already. A time that has passed means now.
    ///
    /// # Errors
    /// [`BackendError`] when the storage does not answer.
    pub async fn reschedule(
        &self,
        command: MessageId,
        at: Timestamp,
    ) -> Result<Change, BackendError> {
        let change = self.backend().reschedule(command, at).await?;
        self.inner.scheduled.raise();
        Ok(change)
    }
}
