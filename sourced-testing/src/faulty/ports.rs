//! The ports of a faulty backend: every call goes past its faults.

use std::any::Any;
use std::time::Duration;

use async_trait::async_trait;
use sourced::backend::{
    Ack, AckError, Acked, Advance, AppendError, Appended, Backend, BackendError, Change, Claim,
    ClaimKey, ClaimRequest, Claims, Document, Documents, FenceError, GoOn, Group, GroupState,
    GroupStatus, Groups, Intervention, JoinError, Joined, KnownTypes, LaneState, Left, Live, Log,
    Page, Parked, Progress, Promotion, Quarantine, QuarantineError, ReadLog, ReadStream,
    RecentStreams, Recurrences, Refusal, Remedy, ResetFrom, ResetScope, RowQuery, Scheduled,
    Schedules, Scheduling, Seen, Selection, SetAside, Signal, Snapshot, Snapshots, Statistics,
    Store, StreamAppend, Summary, Swap, Swapped, Table, TableError, Tables, TruncateError,
    Truncation, UnitCommit, UnitError, Units, Upkeep, Values, Verdict, Versions, Waiting, Wake,
};
use sourced::message::{CorrelationId, Payload, StoredMessage, TypeName};
use sourced::{GroupId, MessageId, Position, RecurrenceId, StreamId, Timestamp};

use super::{Call, Faulty};

#[async_trait]
impl<B: Backend> Store for Faulty<B> {
    async fn append(&self, appends: Vec<StreamAppend>) -> Result<Vec<Appended>, AppendError> {
        self.through(Call::Append(&appends), self.storage.append(appends.clone()))
            .await
    }
    async fn takes_writes(&self) -> Result<(), BackendError> {
        self.through(Call::Read("takes_writes"), self.storage.takes_writes())
            .await
    }
}

#[async_trait]
impl<B: Backend> Log for Faulty<B> {
    async fn read_stream(&self, read: ReadStream) -> Result<Vec<StoredMessage>, BackendError> {
        self.through(Call::Read("read_stream"), self.storage.read_stream(read))
            .await
    }
    async fn read_log(&self, read: &ReadLog) -> Result<Page, BackendError> {
        self.through(Call::Read("read_log"), self.storage.read_log(read))
            .await
    }
    async fn summary(&self, selection: &Selection) -> Result<Summary, BackendError> {
        self.through(Call::Read("summary"), self.storage.summary(selection))
            .await
    }
    async fn log_end(&self) -> Result<Position, BackendError> {
        self.through(Call::Read("log_end"), self.storage.log_end())
            .await
    }
    async fn find(&self, id: MessageId) -> Result<Option<StoredMessage>, BackendError> {
        self.through(Call::Read("find"), self.storage.find(id))
            .await
    }
    async fn read_correlation(
        &self,
        id: CorrelationId,
    ) -> Result<Vec<StoredMessage>, BackendError> {
        self.through(
            Call::Read("read_correlation"),
            self.storage.read_correlation(id),
        )
        .await
    }

    fn setbacks(&self) -> u64 {
        self.storage.setbacks()
    }
}

#[async_trait]
impl<B: Backend> Groups for Faulty<B> {
    async fn register_group(&self, group: &Group) -> Result<(), BackendError> {
        self.through(
            Call::Operate("register_group"),
            self.storage.register_group(group),
        )
        .await
    }

    async fn know_types(
        &self,
        group: &GroupId,
        types: &[TypeName],
    ) -> Result<KnownTypes, BackendError> {
        self.through(
            Call::Operate("know_types"),
            self.storage.know_types(group, types),
        )
        .await
    }

    async fn reset_group(
        &self,
        group: &GroupId,
        scope: &ResetScope,
        from: ResetFrom,
    ) -> Result<(), BackendError> {
        self.through(
            Call::Operate("reset_group"),
            self.storage.reset_group(group, scope, from),
        )
        .await
    }

    async fn stop_group(&self, group: &GroupId, reason: &str) -> Result<(), BackendError> {
        self.through(
            Call::Operate("stop_group"),
            self.storage.stop_group(group, reason),
        )
        .await
    }

    async fn start_group(&self, group: &GroupId) -> Result<(), BackendError> {
        self.through(
            Call::Operate("start_group"),
            self.storage.start_group(group),
        )
        .await
    }

    async fn remove_group(&self, group: &GroupId) -> Result<(), BackendError> {
        self.through(
            Call::Operate("remove_group"),
            self.storage.remove_group(group),
        )
        .await
    }

    async fn group_state(&self, group: &GroupId) -> Result<GroupState, BackendError> {
        self.through(Call::Read("group_state"), self.storage.group_state(group))
            .await
    }

    async fn groups(&self) -> Result<Vec<GroupStatus>, BackendError> {
        self.through(Call::Read("groups"), self.storage.groups())
            .await
    }
}

#[async_trait]
impl<B: Backend> Quarantine for Faulty<B> {
    async fn parked(
        &self,
        group: &GroupId,
        after: Option<&StreamId>,
        limit: usize,
    ) -> Result<Vec<Parked>, BackendError> {
        self.through(
            Call::Read("parked"),
            self.storage.parked(group, after, limit),
        )
        .await
    }

    async fn retry_parked(
        &self,
        group: &GroupId,
        stream: &StreamId,
        reason: &str,
    ) -> Result<(), QuarantineError> {
        self.through(
            Call::Operate("retry_parked"),
            self.storage.retry_parked(group, stream, reason),
        )
        .await
    }

    async fn skip(
        &self,
        group: &GroupId,
        stream: &StreamId,
        position: Position,
        reason: &str,
    ) -> Result<(), QuarantineError> {
        self.through(
            Call::Operate("skip"),
            self.storage.skip(group, stream, position, reason),
        )
        .await
    }

    async fn interventions(
        &self,
        group: &GroupId,
        remedy: Remedy,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<Intervention>, BackendError> {
        self.through(
            Call::Read("interventions"),
            self.storage.interventions(group, remedy, after, limit),
        )
        .await
    }

    async fn skip_of(
        &self,
        group: &GroupId,
        position: Position,
    ) -> Result<Option<Intervention>, BackendError> {
        self.through(Call::Read("skip_of"), self.storage.skip_of(group, position))
            .await
    }
}

#[async_trait]
impl<B: Backend> Claims for Faulty<B> {
    async fn claim(&self, request: &ClaimRequest) -> Result<Vec<Claim>, BackendError> {
        let claims = async {
            let claims = self.storage.claim(request).await?;
            self.faults.claimed(&claims);
            Ok(claims)
        };
        self.through(Call::Claim(request), claims).await
    }
    async fn ack_and_go_on(&self, ack: Ack, next: GoOn) -> Result<Acked, AckError> {
        self.through(
            Call::Ack(&ack),
            self.storage.ack_and_go_on(ack.clone(), next),
        )
        .await
    }
    async fn ack(&self, ack: Ack) -> Result<Vec<Appended>, AckError> {
        self.through(Call::Ack(&ack), self.storage.ack(ack.clone()))
            .await
    }
    async fn ack_and_fail(
        &self,
        ack: Ack,
        verdict: Verdict,
        error: &str,
    ) -> Result<Vec<Appended>, AckError> {
        self.through(
            Call::Ack(&ack),
            self.storage.ack_and_fail(ack.clone(), verdict, error),
        )
        .await
    }
    async fn postpone(&self, claim: &ClaimKey, delay: Duration) -> Result<(), FenceError> {
        let postponed = self.storage.postpone(claim, delay);
        self.through(Call::Release(claim), postponed).await
    }
    async fn release(&self, claim: &ClaimKey) -> Result<(), FenceError> {
        self.through(Call::Release(claim), self.storage.release(claim))
            .await
    }
    async fn fail(
        &self,
        claim: &ClaimKey,
        verdict: Verdict,
        error: &str,
    ) -> Result<(), FenceError> {
        self.through(
            Call::Fail(claim, verdict, error),
            self.storage.fail(claim, verdict, error),
        )
        .await
    }
    async fn renew(
        &self,
        claims: &[ClaimKey],
        lease: Duration,
    ) -> Result<Vec<ClaimKey>, BackendError> {
        self.through(Call::Renew(claims), self.storage.renew(claims, lease))
            .await
    }
    async fn lane(
        &self,
        group: &GroupId,
        stream: &StreamId,
    ) -> Result<Option<LaneState>, BackendError> {
        self.through(Call::Read("lane"), self.storage.lane(group, stream))
            .await
    }
    async fn refusals(&self, commands: &[MessageId]) -> Result<Vec<Refusal>, BackendError> {
        self.through(Call::Read("refusals"), self.storage.refusals(commands))
            .await
    }
    async fn pending_lanes(&self, groups: &[GroupId]) -> Result<u64, BackendError> {
        self.through(
            Call::Read("pending_lanes"),
            self.storage.pending_lanes(groups),
        )
        .await
    }
}

#[async_trait]
impl<B: Backend> Schedules for Faulty<B> {
    async fn schedule(
        &self,
        appends: Vec<StreamAppend>,
        later: Vec<Scheduled>,
    ) -> Result<(Vec<Appended>, Vec<Scheduling>), AppendError> {
        self.through(
            Call::Schedule(&appends, &later),
            self.storage.schedule(appends.clone(), later.clone()),
        )
        .await
    }
    async fn promote(&self, limit: usize) -> Result<Promotion, BackendError> {
        self.through(Call::Promote, self.storage.promote(limit))
            .await
    }
    async fn scheduled(
        &self,
        after: Option<(Timestamp, MessageId)>,
        limit: usize,
    ) -> Result<Vec<Scheduled>, BackendError> {
        self.through(
            Call::Read("scheduled"),
            self.storage.scheduled(after, limit),
        )
        .await
    }
    async fn waiting(&self, id: MessageId) -> Result<Option<Waiting>, BackendError> {
        self.through(Call::Read("waiting"), self.storage.waiting(id))
            .await
    }
    async fn set_aside(&self, limit: usize) -> Result<Vec<SetAside>, BackendError> {
        self.through(Call::Read("set_aside"), self.storage.set_aside(limit))
            .await
    }
    async fn cancel(&self, id: MessageId) -> Result<Change, BackendError> {
        self.through(Call::Operate("cancel"), self.storage.cancel(id))
            .await
    }
    async fn reschedule(&self, id: MessageId, at: Timestamp) -> Result<Change, BackendError> {
        self.through(Call::Operate("reschedule"), self.storage.reschedule(id, at))
            .await
    }
}

#[async_trait]
impl<B: Backend> Recurrences for Faulty<B> {
    async fn progress(&self, id: &RecurrenceId) -> Result<Seen, BackendError> {
        self.through(Call::Read("progress"), self.storage.progress(id))
            .await
    }
    async fn advance(
        &self,
        id: &RecurrenceId,
        from: Option<&Progress>,
        to: &Progress,
        appends: Vec<StreamAppend>,
    ) -> Result<Advance, AppendError> {
        self.through(
            Call::Advance(id, &appends),
            self.storage.advance(id, from, to, appends.clone()),
        )
        .await
    }
}

#[async_trait]
impl<B: Backend> Units for Faulty<B> {
    async fn commit_unit(&self, unit: UnitCommit) -> Result<Vec<Appended>, UnitError> {
        self.through(Call::Unit(&unit), self.storage.commit_unit(unit.clone()))
            .await
    }

    /// A transaction of the caller's is the caller's: nothing goes wrong in it here.
    async fn join<'t>(
        &self,
        connection: &'t mut (dyn Any + Send),
    ) -> Result<Box<dyn Joined + 't>, JoinError> {
        self.storage.join(connection).await
    }
}

#[async_trait]
impl<B: Backend> Documents for Faulty<B> {
    async fn document(&self, collection: &str, key: &str) -> Result<Option<Payload>, BackendError> {
        self.through(
            Call::Read("document"),
            self.storage.document(collection, key),
        )
        .await
    }
    async fn documents(
        &self,
        collection: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Document>, BackendError> {
        self.through(
            Call::Read("documents"),
            self.storage.documents(collection, after, limit),
        )
        .await
    }
}

#[async_trait]
impl<B: Backend> Tables for Faulty<B> {
    async fn ensure_table(&self, table: &Table, group: &GroupId) -> Result<(), TableError> {
        self.through(
            Call::EnsureTable(table, group),
            self.storage.ensure_table(table, group),
        )
        .await
    }
    async fn rebuild_table(&self, table: &Table, group: &GroupId) -> Result<(), BackendError> {
        self.through(
            Call::Operate("rebuild_table"),
            self.storage.rebuild_table(table, group),
        )
        .await
    }
    async fn drop_table(&self, table: &Table) -> Result<(), BackendError> {
        self.through(Call::Operate("drop_table"), self.storage.drop_table(table))
            .await
    }
    async fn rows(&self, table: &Table, query: &RowQuery) -> Result<Vec<Values>, BackendError> {
        self.through(Call::Read("rows"), self.storage.rows(table, query))
            .await
    }
}

#[async_trait]
impl<B: Backend> Versions for Faulty<B> {
    async fn live(&self, table: &str) -> Result<Option<Live>, BackendError> {
        self.through(Call::Read("live"), self.storage.live(table))
            .await
    }
    async fn enter(&self, table: &Table, first: &GroupId) -> Result<Live, BackendError> {
        self.through(Call::Operate("enter"), self.storage.enter(table, first))
            .await
    }
    async fn swap(&self, swap: &Swap) -> Result<Swapped, BackendError> {
        self.through(Call::Operate("swap"), self.storage.swap(swap))
            .await
    }
    async fn roll_back(&self, swap: &Swap) -> Result<Swapped, BackendError> {
        self.through(Call::Operate("roll_back"), self.storage.roll_back(swap))
            .await
    }
    async fn hold(
        &self,
        group: &GroupId,
        length: Duration,
        rest: Duration,
    ) -> Result<bool, BackendError> {
        let held = self.storage.hold(group, length, rest);
        self.through(Call::Operate("hold"), held).await
    }
    async fn forget(&self, table: &Table, group: &GroupId) -> Result<bool, BackendError> {
        let forgotten = self.storage.forget(table, group);
        self.through(Call::Operate("forget"), forgotten).await
    }
}

#[async_trait]
impl<B: Backend> Snapshots for Faulty<B> {
    async fn snapshot(
        &self,
        actor: &GroupId,
        stream: &StreamId,
    ) -> Result<Option<Snapshot>, BackendError> {
        self.through(Call::Read("snapshot"), self.storage.snapshot(actor, stream))
            .await
    }
    async fn save_snapshot(
        &self,
        actor: &GroupId,
        stream: &StreamId,
        snapshot: &Snapshot,
    ) -> Result<(), BackendError> {
        self.through(
            Call::Snapshot(actor, stream),
            self.storage.save_snapshot(actor, stream, snapshot),
        )
        .await
    }
    async fn base(
        &self,
        actor: &GroupId,
        stream: &StreamId,
    ) -> Result<Option<Snapshot>, BackendError> {
        self.through(Call::Read("base"), self.storage.base(actor, stream))
            .await
    }
    async fn delete_snapshot(
        &self,
        actor: &GroupId,
        stream: &StreamId,
    ) -> Result<(), BackendError> {
        self.through(
            Call::Snapshot(actor, stream),
            self.storage.delete_snapshot(actor, stream),
        )
        .await
    }
}

#[async_trait]
impl<B: Backend> Upkeep for Faulty<B> {
    async fn truncate_stream(&self, truncation: &Truncation) -> Result<u64, TruncateError> {
        self.through(
            Call::Operate("truncate_stream"),
            self.storage.truncate_stream(truncation),
        )
        .await
    }
    async fn restore(&self, messages: &[StoredMessage]) -> Result<u64, BackendError> {
        self.through(Call::Operate("restore"), self.storage.restore(messages))
            .await
    }
    async fn read_left(&self, read: &ReadStream) -> Result<Left, BackendError> {
        self.through(Call::Read("read_left"), self.storage.read_left(read))
            .await
    }
    async fn recent_streams(
        &self,
        before: Option<Position>,
        limit: usize,
    ) -> Result<RecentStreams, BackendError> {
        self.through(
            Call::Read("recent_streams"),
            self.storage.recent_streams(before, limit),
        )
        .await
    }
    async fn statistics(&self) -> Result<Statistics, BackendError> {
        self.through(Call::Read("statistics"), self.storage.statistics())
            .await
    }
}

impl<B: Backend> Wake for Faulty<B> {
    fn signal(&self) -> Signal {
        self.faults.signal(self.storage.signal())
    }

    fn wake(&self) {
        self.storage.wake();
    }
}
