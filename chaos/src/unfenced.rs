//! A backend that does not check who holds a lane.

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
use sourced::{GroupId, MessageId, Position, RecurrenceId, StreamId, Timestamp};

/// Stores what a worker brings even when it has lost its lane, as a system without fencing does.
#[derive(Debug)]
pub(crate) struct Unfenced<B>(pub(crate) B);

impl<B: Backend> Unfenced<B> {
    async fn ack_anyway(&self, ack: Ack) -> Result<Vec<Appended>, AckError> {
        match self.0.ack(ack.clone()).await {
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
        self.0.commit_unit(unit).await.map_err(|error| match error {
            UnitError::Append(error) => AckError::Append(error),
            UnitError::Sync(failure) => AckError::Sync(failure),
            UnitError::Backend(error) => AckError::Backend(error),
            other => AckError::Backend(BackendError::Corrupt(other.to_string())),
        })
    }
}

#[async_trait]
impl<B: Backend> Store for Unfenced<B> {
    async fn append(&self, appends: Vec<StreamAppend>) -> Result<Vec<Appended>, AppendError> {
        self.0.append(appends).await
    }
}

#[async_trait]
impl<B: Backend> Log for Unfenced<B> {
    async fn read_stream(&self, read: ReadStream) -> Result<Vec<StoredMessage>, BackendError> {
        self.0.read_stream(read).await
    }
    async fn read_log(&self, read: &ReadLog) -> Result<Page, BackendError> {
        self.0.read_log(read).await
    }
    async fn summary(&self, selection: &Selection) -> Result<Summary, BackendError> {
        self.0.summary(selection).await
    }
    async fn log_end(&self) -> Result<Position, BackendError> {
        self.0.log_end().await
    }
    async fn find(&self, id: MessageId) -> Result<Option<StoredMessage>, BackendError> {
        self.0.find(id).await
    }
    async fn read_correlation(
        &self,
        id: CorrelationId,
    ) -> Result<Vec<StoredMessage>, BackendError> {
        self.0.read_correlation(id).await
    }

    fn setbacks(&self) -> u64 {
        self.0.setbacks()
    }
}

#[async_trait]
impl<B: Backend> Groups for Unfenced<B> {
    async fn register_group(&self, group: &Group) -> Result<(), BackendError> {
        self.0.register_group(group).await
    }

    async fn reset_group(
        &self,
        group: &GroupId,
        scope: &ResetScope,
        from: ResetFrom,
    ) -> Result<(), BackendError> {
        self.0.reset_group(group, scope, from).await
    }

    async fn stop_group(&self, group: &GroupId, reason: &str) -> Result<(), BackendError> {
        self.0.stop_group(group, reason).await
    }

    async fn start_group(&self, group: &GroupId) -> Result<(), BackendError> {
        self.0.start_group(group).await
    }

    async fn know_types(
        &self,
        group: &GroupId,
        types: &[TypeName],
    ) -> Result<KnownTypes, BackendError> {
        self.0.know_types(group, types).await
    }

    async fn remove_group(&self, group: &GroupId) -> Result<(), BackendError> {
        self.0.remove_group(group).await
    }

    async fn group_state(&self, group: &GroupId) -> Result<GroupState, BackendError> {
        self.0.group_state(group).await
    }

    async fn groups(&self) -> Result<Vec<GroupStatus>, BackendError> {
        self.0.groups().await
    }
}

#[async_trait]
impl<B: Backend> Quarantine for Unfenced<B> {
    async fn parked(
        &self,
        group: &GroupId,
        after: Option<&StreamId>,
        limit: usize,
    ) -> Result<Vec<Parked>, BackendError> {
        self.0.parked(group, after, limit).await
    }

    async fn retry_parked(
        &self,
        group: &GroupId,
        stream: &StreamId,
        reason: &str,
    ) -> Result<(), QuarantineError> {
        self.0.retry_parked(group, stream, reason).await
    }

    async fn skip(
        &self,
        group: &GroupId,
        stream: &StreamId,
        position: Position,
        reason: &str,
    ) -> Result<(), QuarantineError> {
        self.0.skip(group, stream, position, reason).await
    }

    async fn interventions(
        &self,
        group: &GroupId,
        remedy: Remedy,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<Intervention>, BackendError> {
        self.0.interventions(group, remedy, after, limit).await
    }

    async fn skip_of(
        &self,
        group: &GroupId,
        position: Position,
    ) -> Result<Option<Intervention>, BackendError> {
        self.0.skip_of(group, position).await
    }
}

#[async_trait]
impl<B: Backend> Claims for Unfenced<B> {
    async fn claim(&self, request: &ClaimRequest) -> Result<Vec<Claim>, BackendError> {
        self.0.claim(request).await
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
        match self.0.ack_and_fail(ack.clone(), verdict, error).await {
            Err(AckError::Fenced { .. }) => self.ack_anyway(ack).await,
            result => result,
        }
    }
    async fn postpone(&self, claim: &ClaimKey, delay: Duration) -> Result<(), FenceError> {
        self.0.postpone(claim, delay).await
    }

    async fn release(&self, claim: &ClaimKey) -> Result<(), FenceError> {
        self.0.release(claim).await
    }
    async fn fail(
        &self,
        claim: &ClaimKey,
        verdict: Verdict,
        error: &str,
    ) -> Result<(), FenceError> {
        self.0.fail(claim, verdict, error).await
    }
    async fn renew(
        &self,
        claims: &[ClaimKey],
        lease: Duration,
    ) -> Result<Vec<ClaimKey>, BackendError> {
        self.0.renew(claims, lease).await
    }
    async fn lane(
        &self,
        group: &GroupId,
        stream: &StreamId,
    ) -> Result<Option<LaneState>, BackendError> {
        self.0.lane(group, stream).await
    }
    async fn refusals(&self, commands: &[MessageId]) -> Result<Vec<Refusal>, BackendError> {
        self.0.refusals(commands).await
    }
    async fn pending_lanes(&self, groups: &[GroupId]) -> Result<u64, BackendError> {
        self.0.pending_lanes(groups).await
    }
}

#[async_trait]
impl<B: Backend> Schedules for Unfenced<B> {
    async fn schedule(
        &self,
        appends: Vec<StreamAppend>,
        later: Vec<Scheduled>,
    ) -> Result<(Vec<Appended>, Vec<Scheduling>), AppendError> {
        self.0.schedule(appends, later).await
    }
    async fn promote(&self, limit: usize) -> Result<Promotion, BackendError> {
        self.0.promote(limit).await
    }
    async fn scheduled(
        &self,
        after: Option<(Timestamp, MessageId)>,
        limit: usize,
    ) -> Result<Vec<Scheduled>, BackendError> {
        self.0.scheduled(after, limit).await
    }
    async fn waiting(&self, id: MessageId) -> Result<Option<Waiting>, BackendError> {
        self.0.waiting(id).await
    }
    async fn set_aside(&self, limit: usize) -> Result<Vec<SetAside>, BackendError> {
        self.0.set_aside(limit).await
    }
    async fn cancel(&self, id: MessageId) -> Result<Change, BackendError> {
        self.0.cancel(id).await
    }
    async fn reschedule(&self, id: MessageId, at: Timestamp) -> Result<Change, BackendError> {
        self.0.reschedule(id, at).await
    }
}

#[async_trait]
impl<B: Backend> Recurrences for Unfenced<B> {
    async fn progress(&self, id: &RecurrenceId) -> Result<Seen, BackendError> {
        self.0.progress(id).await
    }
    async fn advance(
        &self,
        id: &RecurrenceId,
        from: Option<&Progress>,
        to: &Progress,
        appends: Vec<StreamAppend>,
    ) -> Result<Advance, AppendError> {
        self.0.advance(id, from, to, appends).await
    }
}

#[async_trait]
impl<B: Backend> Units for Unfenced<B> {
    async fn commit_unit(&self, unit: UnitCommit) -> Result<Vec<Appended>, UnitError> {
        self.0.commit_unit(unit).await
    }
}

#[async_trait]
impl<B: Backend> Documents for Unfenced<B> {
    async fn document(&self, collection: &str, key: &str) -> Result<Option<Payload>, BackendError> {
        self.0.document(collection, key).await
    }
    async fn documents(
        &self,
        collection: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Document>, BackendError> {
        self.0.documents(collection, after, limit).await
    }
}

#[async_trait]
impl<B: Backend> Versions for Unfenced<B> {
    async fn live(&self, table: &str) -> Result<Option<Live>, BackendError> {
        self.0.live(table).await
    }

    async fn enter(&self, table: &Table, first: &GroupId) -> Result<Live, BackendError> {
        self.0.enter(table, first).await
    }

    /// Does not look whether anything is missing.
    async fn swap(&self, swap: &Swap) -> Result<Swapped, BackendError> {
        self.0.roll_back(swap).await
    }

    async fn roll_back(&self, swap: &Swap) -> Result<Swapped, BackendError> {
        self.0.roll_back(swap).await
    }

    async fn hold(
        &self,
        group: &GroupId,
        length: Duration,
        rest: Duration,
    ) -> Result<bool, BackendError> {
        self.0.hold(group, length, rest).await
    }

    async fn forget(&self, table: &Table, group: &GroupId) -> Result<bool, BackendError> {
        self.0.forget(table, group).await
    }
}

#[async_trait]
impl<B: Backend> Tables for Unfenced<B> {
    async fn ensure_table(&self, table: &Table, group: &GroupId) -> Result<(), TableError> {
        self.0.ensure_table(table, group).await
    }

    async fn rebuild_table(&self, table: &Table, group: &GroupId) -> Result<(), BackendError> {
        self.0.rebuild_table(table, group).await
    }

    async fn drop_table(&self, table: &Table) -> Result<(), BackendError> {
        self.0.drop_table(table).await
    }

    async fn rows(&self, table: &Table, query: &RowQuery) -> Result<Vec<Values>, BackendError> {
        self.0.rows(table, query).await
    }
}

#[async_trait]
impl<B: Backend> Snapshots for Unfenced<B> {
    async fn snapshot(
        &self,
        actor: &GroupId,
        stream: &StreamId,
    ) -> Result<Option<Snapshot>, BackendError> {
        self.0.snapshot(actor, stream).await
    }
    async fn save_snapshot(
        &self,
        actor: &GroupId,
        stream: &StreamId,
        snapshot: &Snapshot,
    ) -> Result<(), BackendError> {
        self.0.save_snapshot(actor, stream, snapshot).await
    }
    async fn base(
        &self,
        actor: &GroupId,
        stream: &StreamId,
    ) -> Result<Option<Snapshot>, BackendError> {
        self.0.base(actor, stream).await
    }
    async fn delete_snapshot(
        &self,
        actor: &GroupId,
        stream: &StreamId,
    ) -> Result<(), BackendError> {
        self.0.delete_snapshot(actor, stream).await
    }
}

#[async_trait]
impl<B: Backend> Upkeep for Unfenced<B> {
    async fn truncate_stream(&self, truncation: &Truncation) -> Result<u64, TruncateError> {
        self.0.truncate_stream(truncation).await
    }
    async fn read_left(&self, read: &ReadStream) -> Result<Left, BackendError> {
        self.0.read_left(read).await
    }
    async fn recent_streams(
        &self,
        before: Option<Position>,
        limit: usize,
    ) -> Result<RecentStreams, BackendError> {
        self.0.recent_streams(before, limit).await
    }
    async fn statistics(&self) -> Result<Statistics, BackendError> {
        self.0.statistics().await
    }
    async fn restore(&self, messages: &[StoredMessage]) -> Result<u64, BackendError> {
        self.0.restore(messages).await
    }
}

impl<B: Backend> Wake for Unfenced<B> {
    fn signal(&self) -> Signal {
        self.0.signal()
    }
}
