//! The suite catches backends that break a promise: each fault below is found by the check that is named after it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sourced::backend::{
    Ack, AckError, Advance, AppendError, Appended, BackendError, Change, Claim, ClaimKey,
    ClaimRequest, Claims, Document, Documents, FenceError, Group, GroupState, GroupStatus, Groups,
    Intervention, LaneState, Memory, Parked, Progress, Promotion, Quarantine, QuarantineError,
    ReadStream, Recurrences, Refusal, Remedy, ResetFrom, ResetScope, RowQuery, Scheduled,
    Schedules, Scheduling, Seen, SetAside, Signal, Snapshot, Snapshots, Store, StreamAppend, Table,
    TableError, Tables, UnitCommit, UnitError, Units, Values, Verdict, Waiting, Wake,
};
use sourced::env::{Clock as _, Env};
use sourced::{
    CorrelationId, ExpectedSeq, GroupId, MessageId, Payload, Position, RecurrenceId, StoredMessage,
    StreamId, Timestamp,
};
use sourced_testing::ManualClock;
use sourced_testing::conformance::{Harness, run, suite};

/// What is wrong with a backend.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    None,
    IgnoresExpectedSeq,
    IgnoresGuards,
    AppendsStreamByStream,
    ForgetsDuplicates,
    RewritesPayloads,
    ReadsWithoutLimit,
    DoubleClaims,
    ReordersBatch,
    StarvesGroups,
    MarksEverythingAsReplay,
    AcksOnRelease,
    AcksWhatItNeverGave,
    AppendsOutsideTheTransaction,
    NeverFences,
    RenewsLostClaims,
    RetriesAtOnce,
    RetriesWhatIsParked,
    CountsParkedLanes,
    PromotesAtOnce,
    SchedulesOutsideTheTransaction,
    KeepsWhatItPromoted,
    StopsAtABadOne,
    MovesWhoeverIsBehind,
    MovesBeforeItAppends,
    IgnoresStops,
    KeepsWhatIsRetriedParked,
    SkipsWhateverIsFirst,
    ForgetsSkips,
    KeepsTheLastSnapshotWritten,
    KeepsOneSnapshotPerStream,
    MakesTablesAlone,
    EmptiesTablesAlone,
    IgnoresWherePagesBegin,
}

/// Memory with a fault.
#[derive(Debug, Clone)]
struct Broken {
    memory: Memory,
    fault: Fault,
}

impl Broken {
    fn has(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    fn owner(&self, actor: &GroupId) -> GroupId {
        if self.has(Fault::KeepsOneSnapshotPerStream) {
            GroupId::new("all").expect("it is a name")
        } else {
            actor.clone()
        }
    }
}

#[async_trait]
impl Store for Broken {
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
        self.memory.append(appends).await
    }

    async fn read_stream(&self, mut read: ReadStream) -> Result<Vec<StoredMessage>, BackendError> {
        if self.has(Fault::ReadsWithoutLimit) {
            read.limit = None;
        }
        self.memory.read_stream(read).await
    }

    async fn read_log(
        &self,
        after: Position,
        limit: usize,
    ) -> Result<Vec<StoredMessage>, BackendError> {
        self.memory.read_log(after, limit).await
    }

    async fn log_end(&self) -> Result<Position, BackendError> {
        self.memory.log_end().await
    }

    async fn find(&self, id: MessageId) -> Result<Option<StoredMessage>, BackendError> {
        self.memory.find(id).await
    }

    async fn read_correlation(
        &self,
        id: CorrelationId,
    ) -> Result<Vec<StoredMessage>, BackendError> {
        self.memory.read_correlation(id).await
    }
}

#[async_trait]
impl Groups for Broken {
    async fn register_group(&self, group: &Group) -> Result<(), BackendError> {
        self.memory.register_group(group).await
    }

    async fn reset_group(
        &self,
        group: &GroupId,
        scope: &ResetScope,
        from: ResetFrom,
    ) -> Result<(), BackendError> {
        self.memory.reset_group(group, scope, from).await
    }

    async fn stop_group(&self, group: &GroupId, reason: &str) -> Result<(), BackendError> {
        if self.has(Fault::IgnoresStops) {
            return Ok(());
        }
        self.memory.stop_group(group, reason).await
    }

    async fn start_group(&self, group: &GroupId) -> Result<(), BackendError> {
        self.memory.start_group(group).await
    }

    async fn remove_group(&self, group: &GroupId) -> Result<(), BackendError> {
        self.memory.remove_group(group).await
    }

    async fn group_state(&self, group: &GroupId) -> Result<GroupState, BackendError> {
        self.memory.group_state(group).await
    }

    async fn groups(&self) -> Result<Vec<GroupStatus>, BackendError> {
        self.memory.groups().await
    }
}

#[async_trait]
impl Quarantine for Broken {
    async fn parked(
        &self,
        group: &GroupId,
        after: Option<&StreamId>,
        limit: usize,
    ) -> Result<Vec<Parked>, BackendError> {
        self.memory.parked(group, after, limit).await
    }

    async fn retry_parked(
        &self,
        group: &GroupId,
        stream: &StreamId,
        reason: &str,
    ) -> Result<(), QuarantineError> {
        if self.has(Fault::KeepsWhatIsRetriedParked) {
            self.memory.lane(group, stream).await?;
            return Ok(());
        }
        self.memory.retry_parked(group, stream, reason).await
    }

    async fn skip(
        &self,
        group: &GroupId,
        stream: &StreamId,
        position: Position,
        reason: &str,
    ) -> Result<(), QuarantineError> {
        let skipped = self.memory.skip(group, stream, position, reason).await;
        match skipped {
            Err(QuarantineError::NotFirst {
                first: Some(first), ..
            }) if self.has(Fault::SkipsWhateverIsFirst) => {
                self.memory.skip(group, stream, first, reason).await
            }
            skipped => skipped,
        }
    }

    async fn interventions(
        &self,
        group: &GroupId,
        remedy: Remedy,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<Intervention>, BackendError> {
        if self.has(Fault::ForgetsSkips) {
            return Ok(Vec::new());
        }
        self.memory.interventions(group, remedy, after, limit).await
    }

    async fn skip_of(
        &self,
        group: &GroupId,
        position: Position,
    ) -> Result<Option<Intervention>, BackendError> {
        self.memory.skip_of(group, position).await
    }
}

#[async_trait]
impl Claims for Broken {
    async fn claim(&self, request: &ClaimRequest) -> Result<Vec<Claim>, BackendError> {
        if self.has(Fault::StarvesGroups) {
            for group in &request.groups {
                let mut request = request.clone();
                request.groups = vec![group.clone()];
                let claims = self.memory.claim(&request).await?;
                if !claims.is_empty() {
                    return Ok(claims);
                }
            }
        }
        let mut claims = self.memory.claim(request).await?;
        for claim in &mut claims {
            if self.has(Fault::DoubleClaims) {
                _ = self.memory.release(&claim.key).await;
            }
            if self.has(Fault::ReordersBatch) {
                claim.deliveries.reverse();
            }
            if self.has(Fault::MarksEverythingAsReplay) {
                for delivery in &mut claim.deliveries {
                    delivery.replaying = true;
                }
            }
        }
        Ok(claims)
    }

    async fn ack(&self, mut ack: Ack) -> Result<Vec<Appended>, AckError> {
        if self.has(Fault::AcksWhatItNeverGave) {
            // What came meanwhile has to be known to the lane.
            let group = std::slice::from_ref(&ack.claim.group);
            self.memory.pending_lanes(group).await?;
            ack.upto = self.memory.log_end().await?;
        }
        if self.has(Fault::SchedulesOutsideTheTransaction) {
            let later = std::mem::take(&mut ack.schedules);
            self.memory.schedule(Vec::new(), later).await?;
        }
        if self.has(Fault::AppendsOutsideTheTransaction) {
            let appended = self.memory.append(std::mem::take(&mut ack.appends)).await?;
            self.memory.ack(ack).await?;
            return Ok(appended);
        }
        if self.has(Fault::NeverFences) {
            let appends = ack.appends.clone();
            return match self.memory.ack(ack).await {
                Err(AckError::Fenced { .. }) => Ok(self.memory.append(appends).await?),
                result => result,
            };
        }
        self.memory.ack(ack).await
    }

    async fn release(&self, claim: &ClaimKey) -> Result<(), FenceError> {
        if self.has(Fault::AcksOnRelease) {
            let ack = Ack {
                claim: claim.clone(),
                upto: self.memory.log_end().await?,
                appends: Vec::new(),
                schedules: Vec::new(),
                refusals: Vec::new(),
                syncs: Vec::new(),
            };
            _ = self.memory.ack(ack).await;
            return Ok(());
        }
        self.memory.release(claim).await
    }

    async fn fail(
        &self,
        claim: &ClaimKey,
        verdict: Verdict,
        error: &str,
    ) -> Result<(), FenceError> {
        let at_once = Verdict::RetryAfter(Duration::ZERO);
        let verdict = match (self.fault, verdict) {
            (Fault::RetriesAtOnce, Verdict::RetryAfter(_))
            | (Fault::RetriesWhatIsParked, Verdict::Park) => at_once,
            (Fault::CountsParkedLanes, Verdict::Park) => Verdict::RetryAfter(Duration::MAX),
            (_, verdict) => verdict,
        };
        self.memory.fail(claim, verdict, error).await
    }

    async fn renew(
        &self,
        claims: &[ClaimKey],
        lease: Duration,
    ) -> Result<Vec<ClaimKey>, BackendError> {
        let lost = self.memory.renew(claims, lease).await?;
        if self.has(Fault::RenewsLostClaims) {
            return Ok(Vec::new());
        }
        Ok(lost)
    }

    async fn lane(
        &self,
        group: &GroupId,
        stream: &StreamId,
    ) -> Result<Option<LaneState>, BackendError> {
        self.memory.lane(group, stream).await
    }

    async fn refusals(&self, commands: &[MessageId]) -> Result<Vec<Refusal>, BackendError> {
        self.memory.refusals(commands).await
    }

    async fn pending_lanes(&self, groups: &[GroupId]) -> Result<u64, BackendError> {
        self.memory.pending_lanes(groups).await
    }
}

#[async_trait]
impl Schedules for Broken {
    async fn schedule(
        &self,
        appends: Vec<StreamAppend>,
        mut later: Vec<Scheduled>,
    ) -> Result<(Vec<Appended>, Vec<Scheduling>), AppendError> {
        if self.has(Fault::PromotesAtOnce) {
            for scheduled in &mut later {
                scheduled.at = Timestamp::from_micros(0);
            }
        }
        self.memory.schedule(appends, later).await
    }

    async fn promote(&self, limit: usize) -> Result<Promotion, BackendError> {
        if self.has(Fault::KeepsWhatItPromoted) {
            let again = self.memory.scheduled(None, limit).await?;
            let promotion = self.memory.promote(limit).await?;
            for mut scheduled in again.into_iter().take(promotion.promoted) {
                scheduled.message.id = MessageId::from_uuid(Env::system().ids.next_id());
                _ = self.memory.schedule(Vec::new(), vec![scheduled]).await;
            }
            return Ok(promotion);
        }
        if self.has(Fault::StopsAtABadOne) && !self.memory.set_aside(1).await?.is_empty() {
            return Err(BackendError::Corrupt("a bad one".to_owned()));
        }
        let limit = if self.has(Fault::StopsAtABadOne) {
            1
        } else {
            limit
        };
        self.memory.promote(limit).await
    }

    async fn scheduled(
        &self,
        after: Option<(Timestamp, MessageId)>,
        limit: usize,
    ) -> Result<Vec<Scheduled>, BackendError> {
        self.memory.scheduled(after, limit).await
    }

    async fn waiting(&self, id: MessageId) -> Result<Option<Waiting>, BackendError> {
        self.memory.waiting(id).await
    }

    async fn set_aside(&self, limit: usize) -> Result<Vec<SetAside>, BackendError> {
        self.memory.set_aside(limit).await
    }

    async fn cancel(&self, id: MessageId) -> Result<Change, BackendError> {
        self.memory.cancel(id).await
    }

    async fn reschedule(&self, id: MessageId, at: Timestamp) -> Result<Change, BackendError> {
        self.memory.reschedule(id, at).await
    }
}

#[async_trait]
impl Recurrences for Broken {
    async fn progress(&self, id: &RecurrenceId) -> Result<Seen, BackendError> {
        self.memory.progress(id).await
    }

    async fn advance(
        &self,
        id: &RecurrenceId,
        from: Option<&Progress>,
        to: &Progress,
        mut appends: Vec<StreamAppend>,
    ) -> Result<Advance, AppendError> {
        if self.has(Fault::MovesWhoeverIsBehind) {
            let from = self.memory.progress(id).await?.progress;
            return self.memory.advance(id, from.as_ref(), to, appends).await;
        }
        if self.has(Fault::MovesBeforeItAppends) {
            let later = std::mem::take(&mut appends);
            self.memory.advance(id, from, to, appends).await?;
            return Ok(Advance::Done(self.memory.append(later).await?));
        }
        self.memory.advance(id, from, to, appends).await
    }
}

#[async_trait]
impl Units for Broken {
    async fn commit_unit(&self, unit: UnitCommit) -> Result<Vec<Appended>, UnitError> {
        self.memory.commit_unit(unit).await
    }
}

#[async_trait]
impl Documents for Broken {
    async fn document(&self, collection: &str, key: &str) -> Result<Option<Payload>, BackendError> {
        self.memory.document(collection, key).await
    }

    async fn documents(
        &self,
        collection: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Document>, BackendError> {
        self.memory.documents(collection, after, limit).await
    }
}

#[async_trait]
impl Tables for Broken {
    async fn ensure_table(&self, table: &Table, group: &GroupId) -> Result<(), TableError> {
        let nobody = GroupId::new("nobody").expect("it is a name");
        if self.has(Fault::MakesTablesAlone) {
            return self.memory.ensure_table(table, &nobody).await;
        }
        self.memory.ensure_table(table, group).await
    }

    async fn rebuild_table(&self, table: &Table, group: &GroupId) -> Result<(), BackendError> {
        if self.has(Fault::EmptiesTablesAlone) {
            let nobody = GroupId::new("nobody").expect("it is a name");
            self.memory.drop_table(table).await?;
            let made = self.memory.ensure_table(table, &nobody).await;
            return made.map_err(|error| BackendError::Refused(error.into()));
        }
        self.memory.rebuild_table(table, group).await
    }

    async fn drop_table(&self, table: &Table) -> Result<(), BackendError> {
        self.memory.drop_table(table).await
    }

    async fn rows(&self, table: &Table, query: &RowQuery) -> Result<Vec<Values>, BackendError> {
        if self.has(Fault::IgnoresWherePagesBegin) {
            let after = None;
            let query = RowQuery {
                after,
                ..query.clone()
            };
            return self.memory.rows(table, &query).await;
        }
        self.memory.rows(table, query).await
    }
}

#[async_trait]
impl Snapshots for Broken {
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
}

impl Wake for Broken {
    fn signal(&self) -> Signal {
        self.memory.signal()
    }
}

impl Harness for Fault {
    type Backend = Broken;
    type Guard = ManualClock;

    async fn fresh(&self) -> (Broken, ManualClock) {
        let clock = ManualClock::new();
        let memory = Memory::with_clock(Arc::new(clock.clone()));
        let fault = *self;
        (Broken { memory, fault }, clock)
    }

    async fn another(&self, backend: &Broken, _: &ManualClock) -> Broken {
        backend.clone()
    }

    async fn advance(&self, _: &Broken, clock: &ManualClock, by: Duration) {
        clock.advance(by);
    }

    fn now(&self, clock: &ManualClock) -> Timestamp {
        clock.now()
    }
}

/// One test for each fault: the check passes without it and fails with it.
macro_rules! caught {
    ($($test:ident: $fault:ident by $module:ident::$check:ident;)*) => {$(
        #[test]
        fn $test() {
            let ends_well = |fault: Fault| {
                let check = move || run(async { suite::$module::$check(&fault).await });
                std::thread::spawn(check).join().is_ok()
            };
            assert!(ends_well(Fault::None), "the check fails without a fault");
            assert!(!ends_well(Fault::$fault), "the fault goes unnoticed");
        }
    )*};
}

caught! {
    ignored_expectations: IgnoresExpectedSeq by one_winner::exactly_is_right_only_for_the_last_seq;
    ignored_expectations_in_a_race: IgnoresExpectedSeq by one_winner::of_concurrent_first_appends_exactly_one_wins;
    ignored_guards: IgnoresGuards by guards::a_guard_that_is_wrong_names_its_stream_and_stores_nothing_anywhere;
    ignored_guards_in_a_race: IgnoresGuards by guards::one_winner_of_decisions_that_read_each_other_s_streams;
    half_an_append: AppendsStreamByStream by append::is_all_or_nothing_over_several_streams;
    forgotten_duplicates: ForgetsDuplicates by same_id_once::a_retry_gets_the_first_places;
    rewritten_payloads: RewritesPayloads by bytes_in_bytes_out::payloads_are_kept_byte_for_byte;
    endless_reads: ReadsWithoutLimit by read::a_stream_can_be_read_in_parts;
    double_claims: DoubleClaims by lease::a_claimed_lane_is_not_claimed_again;
    double_claims_in_a_race: DoubleClaims by in_order_per_stream::of_concurrent_claims_one_gets_the_lane;
    reordered_batches: ReordersBatch by claim::gives_the_pending_messages_of_a_stream_in_order;
    starved_groups: StarvesGroups by claim::gives_each_group_its_share;
    starved_groups_one_lane_at_a_time: StarvesGroups by claim::gives_every_group_a_turn_even_one_lane_at_a_time;
    wrong_replays: MarksEverythingAsReplay by replay_is_marked::a_first_delivery_is_none;
    ignored_stops: IgnoresStops by stopping::a_stopped_group_gives_no_lanes;
    acks_on_release: AcksOnRelease by claim::a_released_lane_can_be_claimed_at_once;
    jumping_acks: AcksWhatItNeverGave by ack_never_jumps::each_message_needs_its_own;
    acks_that_skip_what_came_meanwhile: AcksWhatItNeverGave by never_skipped::what_arrives_during_a_claim_comes_after_it;
    appends_that_outlive_a_failed_ack: AppendsOutsideTheTransaction by one_transaction::a_failing_sync_action_undoes_everything;
    appends_seen_before_the_commit: AppendsOutsideTheTransaction by one_transaction::nothing_is_seen_before_the_commit;
    appends_of_a_lost_claim: AppendsOutsideTheTransaction by fenced::an_ack_of_a_lost_lane_stores_nothing;
    missing_fences: NeverFences by fenced::an_ack_of_a_lost_lane_stores_nothing;
    missing_fences_after_the_end: NeverFences by fenced::a_claim_ends_once;
    renewals_of_lost_claims: RenewsLostClaims by lease::a_renewal_names_the_claims_that_are_lost;
    impatient_retries: RetriesAtOnce by retry::the_lane_is_hidden_until_its_delay_is_over;
    impatient_retries_before_others: RetriesAtOnce by in_order_per_stream::other_streams_go_on_while_one_is_retried;
    escaping_lanes: RetriesWhatIsParked by quarantine::later_messages_of_a_parked_stream_wait;
    schedules_that_come_too_soon: PromotesAtOnce by schedule_once::nothing_is_stored_before_its_time;
    schedules_that_outlive_a_failed_ack: SchedulesOutsideTheTransaction by schedule_once::an_ack_schedules_together_with_the_rest_or_not_at_all;
    schedules_of_a_lost_claim: SchedulesOutsideTheTransaction by schedule_once::a_fenced_ack_schedules_nothing;
    doubled_schedules: KeepsWhatItPromoted by schedule_once::it_is_promoted_once_by_many_at_the_same_time;
    blocked_schedules: StopsAtABadOne by schedule_once::one_that_cannot_be_promoted_stops_nothing_else;
    moves_on_older_progress: MovesWhoeverIsBehind by tick_once::who_has_seen_other_progress_is_refused;
    doubled_ticks: MovesWhoeverIsBehind by tick_once::of_concurrent_moves_exactly_one_wins_each_round;
    moves_without_a_message: MovesBeforeItAppends by tick_once::a_refused_append_moves_nothing;
    locked_lanes: KeepsWhatIsRetriedParked by quarantine::a_retried_stream_goes_on_in_order;
    skips_of_the_wrong_message: SkipsWhateverIsFirst by ack_never_jumps::a_skip_takes_the_first_message_and_no_other;
    unrecorded_skips: ForgetsSkips by quarantine::a_skipped_message_is_recorded_and_the_rest_goes_on;
    never_quiet: CountsParkedLanes by pending::does_not_count_parked_lanes;
    snapshots_that_go_back: KeepsTheLastSnapshotWritten by snapshots::an_older_one_never_replaces_a_newer_one;
    shared_snapshots: KeepsOneSnapshotPerStream by snapshots::actors_and_streams_are_kept_apart;
    tables_that_stay_empty: MakesTablesAlone by tables::never_skipped_when_the_table_was_dropped;
    rebuilds_of_nothing: EmptiesTablesAlone by tables::a_rebuild_empties_it_and_sets_its_group_back;
    rebuilds_that_fence_nobody: EmptiesTablesAlone by tables::fenced_by_a_rebuild;
    pages_that_begin_again: IgnoresWherePagesBegin by tables::a_page_goes_on_after_a_row_that_is_gone;
}
