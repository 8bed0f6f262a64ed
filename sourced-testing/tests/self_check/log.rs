//! The log, the documents and the snapshots of a broken backend.

use sourced::backend::{
    AppendError, Appended, BackendError, Direction, Document, Documents, Log, Page, ReadLog,
    ReadStream, Selection, Snapshot, Snapshots, Store, StreamAppend, Summary,
};
use sourced::env::Env;
use sourced::{
    CorrelationId, ExpectedSeq, GroupId, MessageId, Payload, Position, Seq, StoredMessage, StreamId,
};

use crate::broken::{Broken, Fault, backend};
use crate::stretches::locked;

backend! {
    Store for Broken {
        async fn append(&self, mut appends: Vec<StreamAppend>) -> Result<Vec<Appended>, AppendError> {
            if self.has(Fault::AppendsStreamByStream) {
                let mut appended = Vec::new();
                for append in appends {
                    appended.extend(self.memory.append(vec![append]).await?);
                }
                return Ok(appended);
            }
            if self.has(Fault::IgnoresGuards) {
                appends.retain(|append| !append.messages.is_empty());
            }
            for append in &mut appends {
                if self.has(Fault::IgnoresExpectedSeq) {
                    append.expected = ExpectedSeq::Any;
                }
                for message in &mut append.messages {
                    if self.has(Fault::ForgetsDuplicates)
                        && self.memory.find(message.id).await?.is_some()
                    {
                        message.id = MessageId::from_uuid(Env::system().ids.next_id());
                    }
                    if self.has(Fault::RewritesPayloads)
                        && let Ok(value) = message.payload.decode::<serde_json::Value>()
                    {
                        message.payload = Payload::encode(&value).expect("it was JSON before");
                    }
                }
            }
            if self.has(Fault::LosesTheLastOfABatch) {
                return self.append_all_but_the_last(appends).await;
            }
            let mut appended = self.memory.append(appends).await?;
            if self.has(Fault::LeavesHolesInSeqs) {
                for place in &mut appended {
                    place.seq = with_holes(place.seq);
                }
            }
            Ok(appended)
        }
    } else {

    }
}

backend! {
    Log for Broken {
        async fn read_stream(&self, mut read: ReadStream) -> Result<Vec<StoredMessage>, BackendError> {
            if self.has(Fault::ReadsWithoutLimit) {
                read.limit = None;
            }
            let mut messages = match self.memory.read_stream(read.clone()).await {
                Err(BackendError::Removed { upto, .. })
                    if self.has(Fault::GivesAPartAsTheWhole) =>
                {
                    self.memory.read_stream(read.after(Some(upto))).await?
                }
                read => read?,
            };
            if self.has(Fault::LeavesHolesInSeqs) {
                for message in &mut messages {
                    message.seq = with_holes(message.seq);
                }
            }
            if self.has(Fault::TurnsPositionsRound) {
                let positions: Vec<_> = messages.iter().map(|message| message.position).collect();
                for (message, position) in messages.iter_mut().zip(positions.into_iter().rev()) {
                    message.position = position;
                }
            }
            Ok(messages)
        }

        async fn read_log(&self, read: &ReadLog) -> Result<Page, BackendError> {
            let mut read = read.clone();
            if self.has(Fault::ReadsForwardsOnly) {
                read.direction = Direction::Forwards;
            }
            if self.has(Fault::IgnoresTypes) {
                read.selection.types = None;
            }
            let page = self.memory.read_log(&read).await?;
            let mut page = self.without_what_is_damaged(page)?;
            if self.has(Fault::JumpsBetweenPages) {
                page.looked_to = Position::new(page.looked_to.get() + 1);
            }
            Ok(page)
        }
    } else {
        summary(selection: &Selection) -> Result<Summary, BackendError>;
        log_end() -> Result<Position, BackendError>;
        find(id: MessageId) -> Result<Option<StoredMessage>, BackendError>;
        read_correlation(id: CorrelationId) -> Result<Vec<StoredMessage>, BackendError>;
    }
}

impl Broken {
    fn without_what_is_damaged(&self, mut page: Page) -> Result<Page, BackendError> {
        let damaged = locked(&self.damaged);
        let messages = &mut page.messages;
        let Some(first) = messages
            .iter()
            .position(|message| damaged.contains(&message.id))
        else {
            return Ok(page);
        };
        if self.has(Fault::PassesOverWhatItCannotRead) {
            messages.remove(first);
            return Ok(page);
        }
        if first == 0 || self.has(Fault::FailsWholePages) {
            let (position, what) = (messages[first].position, "metadata".to_owned());
            return Err(BackendError::Unreadable { position, what });
        }
        messages.truncate(first);
        page.looked_to = messages[first - 1].position;
        page.is_last = false;
        Ok(page)
    }
}

backend! {
    Documents for Broken {
        async fn documents(
            &self,
            collection: &str,
            after: Option<&str>,
            limit: usize,
        ) -> Result<Vec<Document>, BackendError> {
            let mut page = self.memory.documents(collection, after, limit).await?;
            if self.has(Fault::ListsDocumentsBackwards) {
                page.reverse();
            }
            Ok(page)
        }
    } else {
        document(collection: &str, key: &str) -> Result<Option<Payload>, BackendError>;
    }
}

backend! {
    Snapshots for Broken {
        async fn snapshot(
            &self,
            actor: &GroupId,
            stream: &StreamId,
        ) -> Result<Option<Snapshot>, BackendError> {
            self.memory.snapshot(&self.owner(actor), stream).await
        }

        async fn save_snapshot(
            &self,
            actor: &GroupId,
            stream: &StreamId,
            snapshot: &Snapshot,
        ) -> Result<(), BackendError> {
            let actor = self.owner(actor);
            if self.has(Fault::KeepsTheLastSnapshotWritten) {
                self.memory.delete_snapshot(&actor, stream).await?;
            }
            self.memory.save_snapshot(&actor, stream, snapshot).await
        }

        async fn delete_snapshot(
            &self,
            actor: &GroupId,
            stream: &StreamId,
        ) -> Result<(), BackendError> {
            self.memory
                .delete_snapshot(&self.owner(actor), stream)
                .await
        }
    } else {
        base(actor: &GroupId, stream: &StreamId) -> Result<Option<Snapshot>, BackendError>;
    }
}

impl Broken {
    /// Tells a place of the last message all the same.
    async fn append_all_but_the_last(
        &self,
        mut appends: Vec<StreamAppend>,
    ) -> Result<Vec<Appended>, AppendError> {
        let last = appends
            .last_mut()
            .filter(|append| append.messages.len() > 1);
        let missing = last.and_then(|append| append.messages.pop());
        let mut appended = self.memory.append(appends).await?;
        if let (Some(missing), Some(last)) = (missing, appended.last().cloned()) {
            appended.push(Appended {
                id: missing.id,
                seq: Seq::after(Some(last.seq)),
                position: Position::new(last.position.get() + 1),
                already_stored: false,
            });
        }
        Ok(appended)
    }
}

fn with_holes(seq: Seq) -> Seq {
    Seq::new(seq.get() * 2 - 1).unwrap_or(seq)
}
