//! The suite catches backends that break a promise: each fault below is found by the check that is named after it, and
//! most of them by random operations, too.

mod broken;
mod claims;
mod groups;
mod later;
mod log;
mod stretches;
mod tables;
mod upkeep;

use std::panic::catch_unwind;

use broken::Fault;
use sourced_testing::conformance::{run, suite};

/// One test for each fault: the check passes without it and fails with it.
macro_rules! caught {
    ($($test:ident: $fault:ident by $module:ident::$check:ident;)*) => {
        $(
            #[test]
            fn $test() {
                let ends_well = |fault: Fault| {
                    let check = move || run(async { suite::$module::$check(&fault).await });
                    std::thread::spawn(check).join().is_ok()
                };
                assert!(ends_well(Fault::None), "the check fails without a fault");
                assert!(!ends_well(Fault::$fault), "the fault goes unnoticed");
            }
        )*

        /// Does not compile while a fault is found by no check.
        #[allow(unreachable_patterns, reason = "a fault may be found by several checks")]
        #[allow(dead_code, reason = "it is there to be compiled")]
        fn every_fault_has_a_check(fault: Fault) {
            match fault {
                Fault::None => {}
                $(Fault::$fault => {})*
            }
        }
    };
}

/// What random operations say of a backend, if they find something.
fn story(fault: Fault) -> Option<String> {
    let check = move || {
        run(async {
            suite::model::random_operations_are_answered_as_by_the_model(&fault).await;
        });
    };
    let panic = catch_unwind(check).err()?;
    panic.downcast::<String>().ok().map(|story| *story)
}

/// One test for each fault that random operations find, with what the last line of their story has to say.
macro_rules! told {
    ($($test:ident: $fault:ident $says:literal;)*) => {
        mod by_random_operations {
            use super::*;
            $(
                #[test]
                fn $test() {
                    let story = story(Fault::$fault).expect("the fault goes unnoticed");
                    let wrong = story.lines().find(|line| line.contains("WRONG")).unwrap_or_default();
                    assert!(wrong.contains($says), "{story}");
                    let n_lines = story.lines().take_while(|line| !line.is_empty()).count();
                    assert!(n_lines <= 8, "the story is long:\n{story}");
                }
            )*
        }
    };
}

told! {
    ignored_expectations: IgnoresExpectedSeq "it was stored, though an expectation is wrong";
    ignored_guards: IgnoresGuards "it was stored, though an expectation is wrong";
    half_an_append: AppendsStreamByStream "WRONG";
    forgotten_duplicates: ForgetsDuplicates "WRONG: conflict in stream";
    lost_messages: LosesTheLastOfABatch "and should hold";
    holes_in_seqs: LeavesHolesInSeqs "WRONG";
    double_claims: DoubleClaims "WRONG";
    reordered_batches: ReordersBatch "these wait";
    claims_without_a_bound: IgnoresBytes "there is room for";
    wrong_replays: MarksEverythingAsReplay "marked as a replay";
    missing_replay_marks: MarksNothingAsReplay "marked as a replay";
    acks_on_release: AcksOnRelease "WRONG";
    missing_fences: NeverFences "though the claim is lost";
    renewals_of_lost_claims: RenewsLostClaims "0 claims are told as lost";
    impatient_retries: RetriesAtOnce "its delay is not over";
    escaping_lanes: RetriesWhatIsParked "0 lanes of";
    ignored_stops: IgnoresStops "WRONG";
    lost_failures_in_the_middle: LosesFailuresInTheMiddle "WRONG";
    locked_lanes: KeepsWhatIsRetriedParked "WRONG";
    skips_of_the_wrong_message: SkipsWhateverIsFirst "skipped";
    skips_of_two: SkipsTwo "WRONG";
    leases_that_end_at_once: EndsLeasesAtOnce "somebody holds it";
    resets_that_lose_what_waits: AcksWhatWaitsInAReset "marked as a replay";
    results_without_the_offset: StoresResultsWithoutTheOffset "WRONG";
    schedules_that_come_too_soon: PromotesAtOnce "0 are due";
    lost_schedules: DropsSchedules "WRONG";
    doubled_schedules: KeepsWhatItPromoted "WRONG";
    schedules_of_a_lost_claim: SchedulesOutsideTheTransaction "WRONG";
    greedy_promotions: PromotesMoreThanAsked "are due";
}

#[test]
fn by_random_operations_nothing_is_told_of_a_right_backend() {
    assert_eq!(story(Fault::None), None);
}

caught! {
    ignored_expectations: IgnoresExpectedSeq by one_winner::exactly_is_right_only_for_the_last_seq;
    ignored_expectations_in_a_race: IgnoresExpectedSeq by one_winner::of_concurrent_first_appends_exactly_one_wins;
    ignored_guards: IgnoresGuards by guards::a_guard_that_is_wrong_names_its_stream_and_stores_nothing_anywhere;
    lost_failures_in_the_middle: LosesFailuresInTheMiddle by quarantine::a_failure_behind_progress_is_noted_with_it;
    ignored_guards_in_a_race: IgnoresGuards by guards::one_winner_of_decisions_that_read_each_other_s_streams;
    half_an_append: AppendsStreamByStream by append::is_all_or_nothing_over_several_streams;
    forgotten_duplicates: ForgetsDuplicates by same_id_once::a_retry_gets_the_first_places;
    rewritten_payloads: RewritesPayloads by bytes_in_bytes_out::payloads_are_kept_byte_for_byte;
    endless_reads: ReadsWithoutLimit by read::a_stream_can_be_read_in_parts;
    reads_in_the_wrong_direction: ReadsForwardsOnly by feeds::a_page_looks_only_so_far_and_says_how_far;
    ignored_types: IgnoresTypes by feeds::each_condition_selects_what_it_says;
    jumps_between_pages: JumpsBetweenPages by feeds::never_skipped_by_pages_of_any_selection;
    jumps_at_the_end_of_the_log: JumpsBetweenPages by feeds::a_last_page_is_gone_on_from_when_more_came;
    pages_that_fail_as_a_whole: FailsWholePages by unreadable::a_page_ends_before_it_and_the_next_one_names_it;
    pages_that_pass_over: PassesOverWhatItCannotRead by unreadable::a_page_ends_before_it_and_the_next_one_names_it;
    feeds_that_pass_over: PassesOverWhatItCannotRead by unreadable::a_feed_tells_of_it_once;
    double_claims: DoubleClaims by lease::a_claimed_lane_is_not_claimed_again;
    double_claims_in_a_race: DoubleClaims by in_order_per_stream::of_concurrent_claims_one_gets_the_lane;
    reordered_batches: ReordersBatch by claim::gives_the_pending_messages_of_a_stream_in_order;
    claims_without_a_bound: IgnoresBytes by claim::claims_are_bounded_in_bytes;
    claims_of_what_is_owed_without_a_bound: IgnoresBytes by claim::claims_of_what_is_owed_are_bounded_in_bytes;
    claims_that_go_on_without_a_bound: IgnoresBytes by going_on::claims_that_go_on_are_bounded_in_bytes;
    claims_of_the_log_without_a_bound: IgnoresBytes by global_order::claims_of_the_log_are_bounded_in_bytes;
    stretches_without_a_bound: IgnoresBytes by stretches::stretches_are_bounded_in_bytes;
    starved_groups: StarvesGroups by claim::gives_each_group_its_share;
    starved_groups_one_lane_at_a_time: StarvesGroups by claim::gives_every_group_a_turn_even_one_lane_at_a_time;
    wrong_replays: MarksEverythingAsReplay by replay_is_marked::a_first_delivery_is_none;
    ignored_stops: IgnoresStops by stopping::a_stopped_group_gives_no_lanes;
    postponed_until_now: RetriesAtOnce by claim::a_postponed_lane_waits_and_counts_no_attempt;
    postponing_that_counts: CountsPostponing by claim::a_postponed_lane_waits_and_counts_no_attempt;
    acks_on_release: AcksOnRelease by claim::a_released_lane_can_be_claimed_at_once;
    jumping_acks: AcksWhatItNeverGave by ack_never_jumps::each_message_needs_its_own;
    acks_that_skip_what_came_meanwhile: AcksWhatItNeverGave by never_skipped::what_arrives_during_a_claim_comes_after_it;
    appends_that_outlive_a_failed_ack: AppendsOutsideTheTransaction by one_transaction::a_failing_sync_action_undoes_everything;
    outages_that_count_as_failures: BlamesActionsForOutages by one_transaction::outage_is_no_attempt_when_a_sync_action_meets_it;
    appends_seen_before_the_commit: AppendsOutsideTheTransaction by one_transaction::nothing_is_seen_before_the_commit;
    appends_of_a_lost_claim: AppendsOutsideTheTransaction by fenced::an_ack_of_a_lost_lane_stores_nothing;
    missing_fences: NeverFences by fenced::an_ack_of_a_lost_lane_stores_nothing;
    missing_fences_after_the_end: NeverFences by fenced::a_claim_ends_once;
    leaps_over_other_writers: GoesOnPastOthers by going_on::what_another_writer_put_between_comes_first;
    going_on_while_stopped: GoesOnWhileStopped by going_on::a_stopped_group_does_not_go_on;
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
    tables_that_stay_empty: MakesTablesAlone by tables::never_skipped_when_the_table_was_dropped;
    rebuilds_of_nothing: EmptiesTablesAlone by tables::a_rebuild_empties_it_and_sets_its_group_back;
    rebuilds_that_fence_nobody: EmptiesTablesAlone by tables::fenced_by_a_rebuild;
    swaps_that_step_back: SwapsWhateverWaits by versions::never_swapped_while_it_is_behind;
    swaps_of_parked_streams: SwapsWhateverWaits by versions::a_parked_stream_holds_it_back;
    swaps_that_fence_nobody: SwapsUnfenced by versions::fenced_by_a_swap;
    swaps_that_let_units_go_on: SwapsUnfenced by versions::fenced_by_a_swap_are_units_too;
    holds_of_nobody: HoldsNobody by versions::held_until_then_nobody_claims;
    holds_that_let_units_through: HoldsNobody by versions::held_lanes_are_busy_for_units;
    holds_without_an_end: HoldsForGood by versions::held_until_then_nobody_claims;
    holds_again_and_again: HoldsWithoutRest by versions::a_hold_needs_a_rest_before;
    forgetting_what_is_live: ForgetsWhatIsLive by versions::one_transaction_forgets_the_group_and_the_table;
    pages_that_begin_again: IgnoresWherePagesBegin by tables::a_page_goes_on_after_a_row_that_is_gone;
    shared_snapshots: KeepsOneSnapshotPerStream by snapshots::actors_and_streams_are_kept_apart;
    removals_that_skip: RemovesWhatIsWaitedFor by upkeep::never_skipped_what_a_group_has_to_handle;
    parts_given_as_the_whole: GivesAPartAsTheWhole by upkeep::whoever_would_have_to_read_it_is_told;
    forged_archives: PutsBackAnything by upkeep::what_was_never_there_is_not_put_back;
    lost_messages: LosesTheLastOfABatch by acked_is_durable::everything_is_there_after_the_writer_is_gone;
    holes_in_seqs: LeavesHolesInSeqs by dense_seq::seqs_have_no_holes_over_concurrent_appends;
    positions_against_the_seqs: TurnsPositionsRound by append::positions_grow_with_the_seqs_of_a_stream;
    resets_that_lose_what_waits: AcksWhatWaitsInAReset by resets::what_was_not_acknowledged_is_no_replay;
    skips_of_two: SkipsTwo by ack_never_jumps::a_skip_takes_the_first_message_and_no_other;
    leases_that_end_at_once: EndsLeasesAtOnce by lease::a_claimed_lane_is_not_claimed_again;
    leases_that_never_end: NeverEndsLeases by lease::a_lane_is_taken_over_when_its_lease_has_ended;
    missing_replay_marks: MarksNothingAsReplay by resets::what_was_acknowledged_comes_again_as_a_replay;
    lost_refusals: LosesRefusals by ack::records_refusals;
    results_without_the_offset: StoresResultsWithoutTheOffset by ack::moves_the_lane_forward;
    lost_schedules: DropsSchedules by schedule_once::it_is_stored_at_its_time_as_it_was_made;
    greedy_promotions: PromotesMoreThanAsked by schedule_once::a_promotion_keeps_to_its_limit_and_says_when_the_next_is_due;
    units_that_overtake: StoresUnitsOfBusyLanes by units::a_lane_with_earlier_messages_is_not_settled;
    the_log_in_another_order: GivesTheLogStreamByStream by global_order::all_streams_come_in_the_order_of_positions;
    the_log_beyond_what_is_decided: GivesTheLogWithHoles by global_order::never_skipped_and_in_order_under_load;
    the_log_given_to_several: GivesTheLogToSeveral by global_order::one_worker_of_all_has_it;
    reordered_batches_of_the_log: ReordersBatch by global_order::all_streams_come_in_the_order_of_positions;
    missing_fences_of_the_log: NeverFences by global_order::fenced_when_it_was_taken_over;
    orders_that_change: AcceptsAnyOrder by global_order::its_order_cannot_change;
    orders_that_end_with_new_types: AcceptsAnyOrder by global_order::its_types_change_only_while_the_order_holds;
    stretches_in_another_order: GivesStretchesStreamByStream by stretches::in_order_of_the_log_and_no_more_than_it_may_have;
    stretches_with_holes: GivesStretchesWithHoles by stretches::each_once_of_many_short_streams;
    stretches_beside_lanes: GivesStretchesBesideLanes by stretches::nobody_is_given_one_while_a_lane_is_held_delayed_or_parked;
    lanes_beside_stretches: GivesLanesBesideStretches by stretches::what_comes_while_it_is_held_comes_after_it;
    missing_replay_marks_of_stretches: MarksNoReplaysInStretches by stretches::replay_is_marked_by_what_each_stream_has_acknowledged;
    stretches_acked_beyond_what_was_handled: AcksStretchesWhole by stretches::a_part_of_it_can_be_acknowledged;
    stretches_that_outlive_a_failed_ack: AcksStretchesStreamByStream by stretches::one_transaction_with_what_it_leads_to;
    missing_fences_of_stretches: NeverFencesStretches by stretches::fenced_by_a_reset_of_all;
    stretches_that_are_parked: JudgesStretches by stretches::quarantine_and_retries_are_for_lanes;
    documents_in_disorder: ListsDocumentsBackwards by documents::pages_have_the_byte_order_of_keys;
}
