//! A backend that leaves a check out.

use std::time::Duration;

use async_trait::async_trait;
use sourced::backend::{
    Ack, AckError, Advance, AppendError, Appended, Backend, BackendError, Change, Claim, ClaimKey,
    ClaimRequest, Claims, Document, Documents, FenceError, Group, GroupState, GroupStatus, Groups,
    Intervention, KnownTypes, LaneState, Left, Live, Log, Page, Parked, Progress, Promotion,
    Quarantine, QuarantineError, ReadLog, ReadStream, RecentStreams, Recurrences, Refusal, Remedy,
    ResetFrom, ResetScope, RowQuery, Scheduled, Schedules, Scheduling, Seen, Selection, SetAside,
    Signal, Snapshot, Snapshots, Statistics, Store, StreamAppend, Summary, Swap, Swapped, Table,
    TableError, Tables, TruncateError, Truncation, UnitCommit, UnitError, Units, Upkeep, Values,
    Verdict, Versions, Waiting, Wake,
};
use sourced::message::{CorrelationId, Payload, StoredMessage, TypeName};
use sourced::{ExpectedSeq, GroupId, MessageId, Position, RecurrenceId, StreamId, Timestamp};

/// Stores what should be refused.
#[derive(Debug)]
pub(crate) struct Careless<B> {
    storage: B,
    omission: Omission,
}

/// What is not looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Omission {
    /// Who holds a lane: what a worker brings is stored even when it has lost its own.
    Fence,
    /// Whether the log is the one that a process knows: a decision stands unless the stream has later events.
    History,
}

impl<B: Backend> Careless<B> {
    pub(crate) fn new(storage: B, omission: Omission) -> Self {
        Self { storage, omission }
    }

    /// What is expected of streams, without which event it is that was the last one.
    fn weakened(&self, mut appends: Vec<StreamAppend>) -> Vec<StreamAppend> {
        for append in appends
            .iter_mut()
            .filter(|_| self.omission == Omission::History)
        {
            if let ExpectedSeq::LastEvent(event) = append.expected {
                append.expected = ExpectedSeq::NoEventAfter(Some(event.seq));
            }
        }
        appends
    }

    fn weakened_ack(&self, mut ack: Ack) -> Ack {
        ack.appends = self.weakened(ack.appends);
        ack
    }

    async fn ack_anyway(&self, ack: Ack) -> Result<Vec<Appended>, AckError> {
        let ack = self.weakened_ack(ack);
        if self.omission != Omission::Fence {
            return self.storage.ack(ack).await;
        }
        match self.storage.ack(ack.clone()).await {
            Err(AckError::Fenced { .. }) => {}
            result => return result,
        }
        let unit = UnitCommit {
            appends: ack.appends,
            schedules: ack.schedules,
            refusals: ack.refusals,
            syncs: ack.syncs,
            ..UnitCommit::default()
        };
        self.storage
            .commit_unit(unit)
            .await
            .map_err(|error| match error {
                UnitError::Append(error) => AckError::Append(error),
                UnitError::Sync(failure) => AckError::Sync(failure),
                UnitError::Backend(error) => AckError::Backend(error),
                other => AckError::Backend(BackendError::Corrupt(other.to_string())),
            })
    }
}

#[async_trait]
impl<B: Backend> Store for Careless<B> {
    async fn append(&self, appends: Vec<StreamAppend>) -> Result<Vec<Appended>, AppendError> {
        self.storage.append(self.weakened(appends)).await
    }

    async fn takes_writes(&self) -> Result<(), BackendError> {
        self.storage.takes_writes().await
    }
}

#[async_trait]
impl<B: Backend> Log for Careless<B> {
    async fn read_stream(&self, read: ReadStream) -> Result<Vec<StoredMessage>, BackendError> {
        self.storage.read_stream(read).await
    }
    async fn read_log(&self, read: &ReadLog) -> Result<Page, BackendError> {
        self.storage.read_log(read).await
    }
    async fn summary(&self, selection: &Selection) -> Result<Summary, BackendError> {
        self.storage.summary(selection).await
    }
    async fn log_end(&self) -> Result<Position, BackendError> {
        self.storage.log_end().await
    }
    async fn find(&self, id: MessageId) -> Result<Option<StoredMessage>, BackendError> {
        self.storage.find(id).await
    }
    async fn read_correlation(
        &self,
        id: CorrelationId,
    ) -> Result<Vec<StoredMessage>, BackendError> {
        self.storage.read_correlation(id).await
    }

    fn setbacks(&self) -> u64 {
        match self.omission {
            Omission::Fence => self.storage.setbacks(),
            Omission::History => 0,
        }
    }
}

#[async_trait]
impl<B: Backend> Groups for Careless<B> {
    async fn register_group(&self, group: &Group) -> Result<(), BackendError> {
        self.storage.register_group(group).await
    }

    async fn reset_group(
        &self,
        group: &GroupId,
        scope: &ResetScope,
        from: ResetFrom,
    ) -> Result<(), BackendError> {
        self.storage.reset_group(group, scope, from).await
    }

    async fn stop_group(&self, group: &GroupId, reason: &str) -> Result<(), BackendError> {
        self.storage.stop_group(group, reason).await
    }

    async fn start_group(&self, group: &GroupId) -> Result<(), BackendError> {
        self.storage.start_group(group).await
    }

    async fn know_types(
        &self,
        group: &GroupId,
        types: &[TypeName],
    ) -> Result<KnownTypes, BackendError> {
        self.storage.know_types(group, types).await
    }

    async fn remove_group(&self, group: &GroupId) -> Result<(), BackendError> {
        self.storage.remove_group(group).await
    }

    async fn group_state(&self, group: &GroupId) -> Result<GroupState, BackendError> {
        self.storage.group_state(group).await
    }

    async fn groups(&self) -> Result<Vec<GroupStatus>, BackendError> {
        self.storage.groups().await
    }
}

#[async_trait]
impl<B: Backend> Quarantine for Careless<B> {
    async fn parked(
        &self,
        group: &GroupId,
        after: Option<&StreamId>,
        limit: usize,
    ) -> Result<Vec<Parked>, BackendError> {
        self.storage.parked(group, after, limit).await
    }

    async fn retry_parked(
        &self,
        group: &GroupId,
        stream: &StreamId,
        reason: &str,
    ) -> Result<(), QuarantineError> {
        self.storage.retry_parked(group, stream, reason).await
    }

    async fn skip(
        &self,
        group: &GroupId,
        stream: &StreamId,
        position: Position,
        reason: &str,
    ) -> Result<(), QuarantineError> {
        self.storage.skip(group, stream, position, reason).await
    }

    async fn interventions(
        &self,
        group: &GroupId,
        remedy: Remedy,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<Intervention>, BackendError> {
        self.storage
            .interventions(group, remedy, after, limit)
            .await
    }

    async fn skip_of(
        &self,
        group: &GroupId,
        position: Position,
    ) -> Result<Option<Intervention>, BackendError> {
        self.storage.skip_of(group, position).await
    }
}

#[async_trait]
impl<B: Backend> Claims for Careless<B> {
    async fn claim(&self, request: &ClaimRequest) -> Result<Vec<Claim>, BackendError> {
        self.storage.claim(request).await
    }
    async fn ack(&self, ack: Ack) -> Result<Vec<Appended>, AckError> {
        self.ack_anyway(ack).await
    }
    async fn ack_and_fail(
        &self,
        ack: Ack,
        verdict: Verdict,
        error: &str,
    ) -> Result<Vec<Appended>, AckError> {
        let ack = self.weakened_ack(ack);
        match self.storage.ack_and_fail(ack.clone(), verdict, error).await {
            Err(AckError::Fenced { .. }) if self.omission == Omission::Fence => {
                self.ack_anyway(ack).await
            }
            result => result,
        }
    }
    async fn postpone(&self, claim: &ClaimKey, delay: Duration) -> Result<(), FenceError> {
        self.storage.postpone(claim, delay).await
    }

    async fn release(&self, claim: &ClaimKey) -> Result<(), FenceError> {
        self.storage.release(claim).await
    }
    async fn fail(
        &self,
        claim: &ClaimKey,
        verdict: Verdict,
        error: &str,
    ) -> Result<(), FenceError> {
        self.storage.fail(claim, verdict, error).await
    }
    async fn renew(
        &self,
        claims: &[ClaimKey],
        lease: Duration,
    ) -> Result<Vec<ClaimKey>, BackendError> {
        self.storage.renew(claims, lease).await
    }
    async fn lane(
        &self,
        group: &GroupId,
        stream: &StreamId,
    ) -> Result<Option<LaneState>, BackendError> {
        self.storage.lane(group, stream).await
    }
    async fn refusals(&self, commands: &[MessageId]) -> Result<Vec<Refusal>, BackendError> {
        self.storage.refusals(commands).await
    }
    async fn pending_lanes(&self, groups: &[GroupId]) -> Result<u64, BackendError> {
        self.storage.pending_lanes(groups).await
    }
}

#[async_trait]
impl<B: Backend> Schedules for Careless<B> {
    async fn schedule(
        &self,
        appends: Vec<StreamAppend>,
        later: Vec<Scheduled>,
    ) -> Result<(Vec<Appended>, Vec<Scheduling>), AppendError> {
        self.storage.schedule(self.weakened(appends), later).await
    }
    async fn promote(&self, limit: usize) -> Result<Promotion, BackendError> {
        self.storage.promote(limit).await
    }
    async fn scheduled(
        &self,
        after: Option<(Timestamp, MessageId)>,
        limit: usize,
    ) -> Result<Vec<Scheduled>, BackendError> {
        self.storage.scheduled(after, limit).await
    }
    async fn waiting(&self, id: MessageId) -> Result<Option<Waiting>, BackendError> {
        self.storage.waiting(id).await
    }
    async fn set_aside(&self, limit: usize) -> Result<Vec<SetAside>, BackendError> {
        self.storage.set_aside(limit).await
    }
    async fn cancel(&self, id: MessageId) -> Result<Change, BackendError> {
        self.storage.cancel(id).await
    }
    async fn reschedule(&self, id: MessageId, at: Timestamp) -> Result<Change, BackendError> {
        self.storage.reschedule(id, at).await
    }
}

#[async_trait]
impl<B: Backend> Recurrences for Careless<B> {
    async fn progress(&self, id: &RecurrenceId) -> Result<Seen, BackendError> {
        self.storage.progress(id).await
    }
    async fn advance(
        &self,
        id: &RecurrenceId,
        from: Option<&Progress>,
        to: &Progress,
        appends: Vec<StreamAppend>,
    ) -> Result<Advance, AppendError> {
        self.storage
            .advance(id, from, to, self.weakened(appends))
            .await
    }
}

#[async_trait]
impl<B: Backend> Units for Careless<B> {
    async fn commit_unit(&self, mut unit: UnitCommit) -> Result<Vec<Appended>, UnitError> {
        unit.appends = self.weakened(unit.appends);
        self.storage.commit_unit(unit).await
    }
}

#[async_trait]
impl<B: Backend> Documents for Careless<B> {
    async fn document(&self, collection: &str, key: &str) -> Result<Option<Payload>, BackendError> {
        self.storage.document(collection, key).await
    }
    async fn documents(
        &self,
        collection: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Document>, BackendError> {
        self.storage.documents(collection, after, limit).await
    }
}

#[async_trait]
impl<B: Backend> Versions for Careless<B> {
    async fn live(&self, table: &str) -> Result<Option<Live>, BackendError> {
        self.storage.live(table).await
    }

    async fn enter(&self, table: &Table, first: &GroupId) -> Result<Live, BackendError> {
        self.storage.enter(table, first).await
    }

    /// Without a fence it is not looked whether anything is missing.
    async fn swap(&self, swap: &Swap) -> Result<Swapped, BackendError> {
        match self.omission {
            Omission::Fence => self.storage.roll_back(swap).await,
            Omission::History => self.storage.swap(swap).await,
        }
    }

    async fn roll_back(&self, swap: &Swap) -> Result<Swapped, BackendError> {
        self.storage.roll_back(swap).await
    }

    async fn hold(
        &self,
        group: &GroupId,
        length: Duration,
        rest: Duration,
    ) -> Result<bool, BackendError> {
        self.storage.hold(group, length, rest).await
    }

    async fn forget(&self, table: &Table, group: &GroupId) -> Result<bool, BackendError> {
        self.storage.forget(table, group).await
    }
}

#[async_trait]
impl<B: Backend> Tables for Careless<B> {
    async fn ensure_table(&self, table: &Table, group: &GroupId) -> Result<(), TableError> {
        self.storage.ensure_table(table, group).await
    }

    async fn rebuild_table(&self, table: &Table, group: &GroupId) -> Result<(), BackendError> {
        self.storage.rebuild_table(table, group).await
    }

    async fn drop_table(&self, table: &Table) -> Result<(), BackendError> {
        self.storage.drop_table(table).await
    }

    async fn rows(&self, table: &Table, query: &RowQuery) -> Result<Vec<Values>, BackendError> {
        self.storage.rows(table, query).await
    }
}

#[async_trait]
impl<B: Backend> Snapshots for Careless<B> {
    async fn snapshot(
        &self,
        actor: &GroupId,
        stream: &StreamId,
    ) -> Result<Option<Snapshot>, BackendError> {
        self.storage.snapshot(actor, stream).await
    }
    async fn save_snapshot(
        &self,
        actor: &GroupId,
        stream: &StreamId,
        snapshot: &Snapshot,
    ) -> Result<(), BackendError> {
        self.storage.save_snapshot(actor, stream, snapshot).await
    }
    async fn base(
        &self,
        actor: &GroupId,
        stream: &StreamId,
    ) -> Result<Option<Snapshot>, BackendError> {
        self.storage.base(actor, stream).await
    }
    async fn delete_snapshot(
        &self,
        actor: &GroupId,
        stream: &StreamId,
    ) -> Result<(), BackendError> {
        self.storage.delete_snapshot(actor, stream).await
    }
}

#[async_trait]
impl<B: Backend> Upkeep for Careless<B> {
    async fn truncate_stream(&self, truncation: &Truncation) -> Result<u64, TruncateError> {
        self.storage.truncate_stream(truncation).await
    }
    async fn read_left(&self, read: &ReadStream) -> Result<Left, BackendError> {
        self.storage.read_left(read).await
    }
    async fn recent_streams(
        &self,
        before: Option<Position>,
        limit: usize,
    ) -> Result<RecentStreams, BackendError> {
        self.storage.recent_streams(before, limit).await
    }
    async fn statistics(&self) -> Result<Statistics, BackendError> {
        self.storage.statistics().await
    }
    async fn restore(&self, messages: &[StoredMessage]) -> Result<u64, BackendError> {
        self.storage.restore(messages).await
    }
}

impl<B: Backend> Wake for Careless<B> {
    fn signal(&self) -> Signal {
        self.storage.signal()
    }
}
