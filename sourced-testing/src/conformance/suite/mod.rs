//! The checks, one module per invariant or subject, and the list of them.

pub mod ack;
pub mod ack_never_jumps;
pub mod acked_is_durable;
pub mod acks_together;
pub mod append;
pub mod bytes_in_bytes_out;
pub mod claim;
pub mod dense_seq;
pub mod documents;
pub mod feeds;
pub mod fenced;
pub mod global_order;
pub mod going_on;
pub mod groups;
pub mod guards;
pub mod history_goes_on;
pub mod in_order_per_stream;
pub mod lease;
pub mod model;
pub mod never_skipped;
pub mod numbers;
pub mod one_transaction;
pub mod one_winner;
pub mod pending;
pub mod quarantine;
pub mod read;
pub mod replay_is_marked;
pub mod resets;
pub mod retry;
pub mod same_id_once;
pub mod schedule_once;
pub mod snapshots;
pub mod stopping;
pub mod stretches;
pub mod tables;
pub mod tick_once;
pub mod type_changes;
pub mod units;
pub mod unreadable;
pub mod upkeep;
pub mod versions;
pub mod wake;

/// Makes one test of every check of the suite, for a [`Harness`](crate::conformance::Harness).
///
/// Attributes before the harness go onto every test: `conformance!(#[ignore = "needs a database"] Postgres);`. To run
/// the suite twice in one file, put each call into a module of its own.
#[macro_export]
macro_rules! conformance {
    ($(#[$attribute:meta])* $harness:expr) => {
        $crate::__conformance_suite! { [$(#[$attribute])*] $harness;
            append {
                reports_places_in_the_order_given,
                is_all_or_nothing_over_several_streams,
                accepts_no_messages,
                refuses_a_stream_that_is_named_twice,
                positions_grow_with_the_seqs_of_a_stream,
                keeps_the_whole_envelope,
            }
            dense_seq {
                commands_and_events_share_the_numbers,
                a_refused_append_leaves_no_hole,
                seqs_have_no_holes_over_concurrent_appends,
                appends_over_the_same_streams_do_not_block_each_other,
            }
            guards {
                a_guard_on_a_stream_as_it_was_seen_stores_nothing_in_it,
                a_guard_that_is_wrong_names_its_stream_and_stores_nothing_anywhere,
                a_stream_nobody_wrote_to_is_guarded_and_stays_empty,
                guards_alone_are_checked_and_store_nothing,
                guards_are_not_looked_at_again_in_a_retry,
                a_guard_is_checked_by_an_ack_and_a_unit_too,
                one_winner_of_decisions_that_read_each_other_s_streams,
                one_winner_of_the_first_messages_of_streams_that_guard_each_other,
                a_guarded_stream_can_be_written_by_others_afterwards,
            }
            one_winner {
                any_appends_wherever_the_stream_ends,
                no_stream_is_right_only_before_the_first_message,
                exactly_is_right_only_for_the_last_seq,
                no_event_after_is_not_disturbed_by_commands,
                no_event_after_notices_every_later_event,
                no_event_after_looks_at_its_own_stream_only,
                of_concurrent_first_appends_exactly_one_wins,
                of_concurrent_appends_exactly_one_wins_each_round,
            }
            history_goes_on {
                the_last_event_is_not_disturbed_by_commands,
                a_command_is_not_the_last_event,
                a_shorter_stream_is_a_conflict,
                another_event_in_its_place_is_a_conflict,
                a_retry_is_recognised_before_it_is_looked_at,
                a_removed_event_is_still_the_last_one,
                acks_and_units_are_told_too,
                many_writers_at_once_are_told_each,
            }
            same_id_once {
                a_retry_gets_the_first_places,
                a_retry_is_recognised_before_its_expectation_is_looked_at,
                a_partial_retry_with_any_appends_the_rest,
                a_partial_retry_with_an_expectation_is_refused,
                a_partial_retry_over_streams_goes_by_the_stream_of_the_rest,
                an_id_of_another_stream_is_refused,
                an_id_given_twice_is_refused,
                concurrent_retries_store_one_message,
            }
            acked_is_durable {
                an_append_is_seen_by_other_processes,
                everything_is_there_after_the_writer_is_gone,
            }
            feeds {
                each_condition_selects_what_it_says,
                never_skipped_by_pages_of_any_selection,
                a_stream_is_read_backwards,
                a_page_looks_only_so_far_and_says_how_far,
                a_last_page_is_gone_on_from_when_more_came,
                nobody_looks_beyond_what_exists,
                never_skipped_by_followers_of_selections,
            }
            read {
                a_stream_nobody_wrote_to_is_empty,
                a_stream_can_be_read_in_parts,
                a_stream_can_be_read_by_kind,
                the_log_comes_in_pages_in_the_order_of_positions,
                the_end_of_the_log_moves_with_every_append,
                a_message_is_found_by_its_id,
                a_conversation_is_read_over_all_streams,
            }
            bytes_in_bytes_out {
                payloads_are_kept_byte_for_byte,
                metadata_is_kept,
                times_are_kept_to_the_microsecond,
                names_are_kept_apart_byte_for_byte,
                the_largest_payload_is_stored_and_a_larger_one_refused,
                too_much_metadata_is_refused,
                metadata_that_nobody_could_read_is_refused,
                numbers_of_metadata_are_kept_to_the_last_bit,
                too_many_messages_are_refused,
                an_ack_has_the_same_limits,
            }
            groups {
                one_from_the_beginning_gets_everything,
                one_from_now_gets_what_comes_after,
                now_is_the_beginning_of_an_empty_log,
                registering_again_changes_nothing,
                the_start_counts_only_when_the_group_is_new,
                types_that_were_known_are_told_when_they_are_lost,
                one_without_types_gets_nothing,
                one_can_start_after_a_position,
                one_can_start_at_a_time,
            }
            claim {
                gives_the_pending_messages_of_a_stream_in_order,
                gives_nothing_when_there_is_nothing,
                gives_only_the_types_the_group_handles,
                gives_no_more_lanes_than_asked_for,
                gives_no_more_messages_of_a_lane_than_asked_for,
                claims_are_bounded_in_bytes,
                claims_of_what_is_owed_are_bounded_in_bytes,
                gives_the_longest_waiting_first,
                gives_each_group_its_share,
                gives_every_group_a_turn_even_one_lane_at_a_time,
                groups_do_not_share_progress,
                says_when_a_group_is_unknown,
                a_released_lane_can_be_claimed_at_once,
                a_postponed_lane_waits_and_counts_no_attempt,
            }
            never_skipped {
                what_arrives_during_a_claim_comes_after_it,
                a_type_added_later_is_delivered_from_its_first_message,
                a_type_added_during_a_claim_is_not_jumped_over,
                a_type_taken_away_is_no_longer_delivered,
                what_a_group_decided_itself_is_passed_over_by_it_alone,
                following_the_log_misses_nothing,
                a_backlog_comes_once_in_whatever_portions,
                a_reset_brings_a_backlog_again_from_its_beginning,
                appends_to_several_streams_reach_every_lane,
            }
            type_changes {
                what_lies_below_the_acknowledged_position_is_delivered,
                a_part_of_what_is_owed_can_be_acknowledged,
                what_is_owed_can_fail_be_released_and_taken_over,
                alternating_types_deliver_everything_once,
                what_was_pending_when_a_type_was_given_up_is_owed,
                a_change_during_a_claim_fences_it,
                what_is_owed_keeps_a_unit_busy,
                a_type_that_was_given_up_is_not_settled_by_a_unit,
                what_a_unit_has_settled_is_not_owed,
                a_group_owes_nothing_from_before_its_start,
                many_changes_under_load_skip_and_double_nothing,
            }
            in_order_per_stream {
                other_streams_go_on_while_one_is_held,
                other_streams_go_on_while_one_is_retried,
                the_time_of_a_message_decides_nothing,
                of_concurrent_claims_one_gets_the_lane,
                many_workers_handle_everything_once_and_in_order,
            }
            lease {
                a_claimed_lane_is_not_claimed_again,
                a_lane_is_taken_over_when_its_lease_has_ended,
                its_own_worker_may_take_over_too,
                an_ended_lease_holds_until_somebody_takes_over,
                a_renewal_prolongs_it_from_now,
                a_renewal_names_the_claims_that_are_lost,
            }
            ack {
                appends_and_reports_the_places,
                what_it_appends_becomes_work,
                what_was_appended_before_is_recognised,
                a_conflict_is_told_and_keeps_the_claim,
                a_part_of_a_claim_can_be_acknowledged,
                moves_the_lane_forward,
                records_refusals,
            }
            going_on {
                what_was_appended_is_delivered_as_it_is_stored,
                a_chain_is_delivered_once_and_in_order,
                the_claim_before_it_is_fenced,
                it_can_be_released_and_fail,
                it_is_taken_over_when_its_lease_has_ended,
                nothing_stored_when_the_lease_was_lost,
                what_another_writer_put_between_comes_first,
                what_was_left_of_the_claim_comes_first,
                what_is_owed_comes_first,
                what_the_group_does_not_handle_is_not_claimed,
                at_most_so_many_are_claimed,
                claims_that_go_on_are_bounded_in_bytes,
                a_stopped_group_does_not_go_on,
                a_change_of_types_takes_it_back,
                what_was_handled_before_the_pump_is_not_owed,
                a_reset_takes_it_back,
                other_groups_get_it_too,
            }
            global_order {
                it_has_one_lane_from_its_registration,
                nothing_can_be_appended_to_its_name,
                all_streams_come_in_the_order_of_positions,
                claims_of_the_log_are_bounded_in_bytes,
                a_part_of_a_claim_can_be_acknowledged,
                one_worker_of_all_has_it,
                fenced_when_it_was_taken_over,
                one_transaction_with_what_it_leads_to,
                never_skipped_and_in_order_under_load,
                replay_is_marked_after_a_reset,
                a_reset_begins_at_a_position_or_a_time_and_is_of_all_streams,
                it_can_start_now_or_at_a_position_or_a_time,
                quarantine_holds_up_all_of_it,
                a_failure_can_stop_it,
                its_types_change_only_while_the_order_holds,
                replay_is_marked_by_type_when_they_have_changed,
                its_order_cannot_change,
                other_groups_are_claimed_beside_it,
                a_unit_does_not_settle_it,
                never_skipped_by_a_removal,
                it_is_listed_with_how_far_it_is,
            }
            stretches {
                each_once_of_many_short_streams,
                in_order_of_the_log_and_no_more_than_it_may_have,
                stretches_are_bounded_in_bytes,
                only_who_is_far_behind_and_asks_is_given_one,
                nobody_is_given_one_while_a_lane_is_held_delayed_or_parked,
                it_begins_where_the_group_does,
                a_group_in_global_order_has_its_lane_and_no_other,
                a_part_of_it_can_be_acknowledged,
                quarantine_and_retries_are_for_lanes,
                quarantine_of_one_stream_leaves_the_others_alone,
                lease_over_another_worker_handles_it,
                another_process_can_end_it,
                one_transaction_with_what_it_leads_to,
                it_is_no_stream_to_go_on_in,
                fenced_by_a_reset_of_all,
                fenced_by_a_reset_of_one_of_its_streams,
                fenced_by_a_change_of_types,
                never_skipped_a_type_that_it_passed,
                fenced_by_a_removal,
                replay_is_marked_by_what_each_stream_has_acknowledged,
                what_changed_meanwhile_is_given_as_it_is,
                fenced_when_somebody_takes_lanes_instead,
                many_workers_handle_everything_once_and_in_order,
                other_types_in_between_are_passed,
                a_long_run_of_other_types_is_passed,
                what_the_group_decided_itself_is_not_given_to_it,
                what_comes_while_it_is_held_comes_after_it,
                a_unit_overtakes_none_of_its_streams,
                what_units_have_settled_is_not_given,
                two_groups_are_given_theirs,
                stopped_and_held_groups_are_given_none,
                it_is_listed_as_waiting_until_it_is_acknowledged,
                given_back_it_is_listed_as_waiting,
                never_swapped_while_one_is_held,
                fenced_by_a_swap,
                never_skipped_by_a_removal,
            }
            acks_together {
                a_fenced_one_leaves_the_others_alone,
                a_conflict_of_one_leaves_the_others_alone,
                a_failing_sync_action_leaves_the_others_alone,
                all_may_append_to_one_stream,
                one_winner_of_those_that_expect_the_same,
                the_same_document_has_the_value_of_one_of_them,
            }
            ack_never_jumps {
                each_message_needs_its_own,
                a_later_position_of_another_stream_leaves_earlier_ones,
                an_older_position_moves_nothing_back,
                a_failure_of_a_later_message_keeps_the_earlier_ones,
                a_skip_takes_the_first_message_and_no_other,
                a_skip_of_what_is_owed_leaves_the_rest,
                of_concurrent_skips_of_a_message_one_wins,
            }
            one_transaction {
                everything_is_stored_together,
                a_failing_sync_action_undoes_everything,
                outage_is_no_attempt_when_a_sync_action_meets_it,
                a_refused_append_undoes_everything,
                a_panicking_sync_action_undoes_everything,
                nothing_is_seen_before_the_commit,
                sync_actions_run_in_order_and_see_each_other,
                concurrent_acks_lose_no_update,
            }
            fenced {
                an_ack_of_a_lost_lane_stores_nothing,
                a_lost_lane_cannot_be_released_or_failed,
                a_claim_ends_once,
                a_skip_takes_the_lane_from_its_holder,
                worker_and_epoch_both_count,
                another_process_can_end_the_claim_it_is_given,
                an_ack_races_with_a_takeover_and_one_of_them_wins,
            }
            replay_is_marked {
                a_first_delivery_is_none,
                what_was_not_acknowledged_is_none,
                what_another_group_acknowledged_is_none,
            }
            numbers {
                a_reset_beyond_the_end_changes_nothing,
                a_group_may_start_after_every_position,
                reads_may_begin_and_end_anywhere,
                a_seq_that_no_stream_has_is_a_conflict,
                claims_may_ask_for_everything_and_last_for_ever,
            }
            resets {
                what_was_acknowledged_comes_again_as_a_replay,
                what_was_not_acknowledged_is_no_replay,
                a_claim_that_runs_is_fenced,
                one_stream_can_be_reset_alone,
                it_can_begin_at_a_position_or_a_time,
                what_was_pending_before_the_place_is_kept,
                a_group_never_gets_what_lies_before_its_start,
                what_is_parked_or_delayed_is_set_free,
                what_is_owed_stays_no_replay,
                it_is_an_error_for_an_unknown_group,
                the_group_is_listed_as_replaying_until_it_is_through,
                many_resets_under_load_lose_and_double_nothing,
            }
            stopping {
                a_stopped_group_gives_no_lanes,
                registering_it_does_not_start_it,
                it_goes_on_where_it_was,
                a_failure_can_stop_the_group,
                a_removed_group_is_unknown_and_its_claims_are_lost,
                an_unknown_group_cannot_be_stopped_started_or_removed,
            }
            retry {
                the_lane_is_hidden_until_its_delay_is_over,
                attempts_are_counted_and_the_error_is_kept,
                progress_forgets_attempts_and_error,
                a_release_changes_no_attempts,
                streams_and_groups_count_for_themselves,
            }
            unreadable {
                it_parks_its_own_stream_and_no_other,
                in_global_order_what_comes_before_it_is_given,
                a_stretch_with_it_comes_stream_by_stream,
                a_page_ends_before_it_and_the_next_one_names_it,
                a_feed_tells_of_it_once,
            }
            quarantine {
                a_failure_behind_progress_is_noted_with_it,
                a_failure_behind_what_is_not_stored_is_not_noted,
                later_messages_of_a_parked_stream_wait,
                other_groups_go_on,
                the_lane_says_why,
                registering_the_group_again_does_not_let_it_out,
                parked_streams_are_listed_with_what_failed,
                the_time_of_the_first_failure_is_kept,
                a_long_error_is_cut,
                a_retried_stream_goes_on_in_order,
                only_what_is_parked_is_retried,
                a_skipped_message_is_recorded_and_the_rest_goes_on,
                a_policy_can_skip,
                records_come_in_pages_and_end_with_their_group,
                it_is_an_error_for_an_unknown_group,
                groups_are_listed_with_how_far_they_are,
            }
            pending {
                is_zero_when_all_is_quiet,
                counts_what_nobody_has_looked_at_yet,
                counts_lanes_that_are_ready_claimed_and_delayed,
                does_not_count_parked_lanes,
                does_not_count_what_the_group_does_not_handle,
                adds_up_the_groups_asked_for,
            }
            schedule_once {
                nothing_is_stored_before_its_time,
                it_is_stored_at_its_time_as_it_was_made,
                a_time_that_has_passed_has_come,
                it_is_promoted_once_by_many_at_the_same_time,
                a_stream_gets_them_in_the_order_of_their_times,
                many_promoters_keep_the_order_of_each_stream,
                a_promotion_keeps_to_its_limit_and_says_when_the_next_is_due,
                an_id_is_scheduled_once,
                an_id_that_is_stored_is_not_scheduled,
                an_id_appended_meanwhile_is_not_stored_twice,
                an_id_of_another_stream_or_given_twice_is_refused,
                appends_and_schedules_are_all_or_nothing,
                an_ack_schedules_together_with_the_rest_or_not_at_all,
                a_fenced_ack_schedules_nothing,
                a_unit_schedules_together_with_the_rest_or_not_at_all,
                a_cancelled_one_is_never_stored,
                a_rescheduled_one_waits_for_its_new_time,
                what_is_in_its_stream_cannot_be_changed,
                they_are_listed_in_the_order_of_their_times,
                one_that_cannot_be_promoted_stops_nothing_else,
                what_was_set_aside_can_be_tried_again_or_forgotten,
                what_is_too_large_is_refused,
                they_are_there_for_the_next_process,
                a_promotion_is_work_and_raises_the_signal,
            }
            tick_once {
                one_that_never_moved_has_no_progress,
                its_progress_is_kept_as_it_was_told,
                it_moves_together_with_its_message,
                who_has_seen_other_progress_is_refused,
                of_concurrent_moves_exactly_one_wins_each_round,
                a_refused_append_moves_nothing,
                a_message_that_is_stored_already_is_recognised,
                recurrences_are_kept_apart,
            }
            units {
                everything_is_stored_together,
                what_is_settled_is_no_work_but_what_comes_later_is,
                a_lane_with_earlier_messages_is_not_settled,
                messages_the_group_does_not_handle_keep_no_lane_busy,
                a_conflict_or_a_failing_sync_action_stores_nothing,
                storing_the_same_unit_again_changes_nothing,
                says_what_it_cannot_settle,
            }
            documents {
                what_is_not_there_is_none,
                the_last_write_of_a_key_stays,
                values_are_kept_byte_for_byte,
                pages_have_the_byte_order_of_keys,
                a_key_that_no_backend_keeps_is_refused_by_name,
                collections_are_kept_apart,
            }
            tables {
                rows_are_created_changed_and_deleted,
                one_transaction_with_the_acknowledgement,
                a_transaction_sees_what_it_wrote,
                one_transaction_after_the_other_on_the_same_rows,
                many_at_once_do_not_answer_for_each_other,
                a_row_that_is_not_unique_is_refused,
                a_key_that_no_backend_keeps_is_refused_by_name,
                bytes_in_bytes_out,
                what_no_column_can_hold_is_refused,
                making_it_again_changes_nothing,
                many_may_make_it_at_the_same_time,
                versions_stand_side_by_side,
                a_table_of_the_librarys_own_is_no_read_model,
                a_table_that_differs_is_refused_with_its_column,
                names_that_are_none_are_refused,
                never_skipped_when_the_table_was_dropped,
                rows_of_another_group_are_not_taken_over,
                a_rebuild_empties_it_and_sets_its_group_back,
                fenced_by_a_rebuild,
                filters_say_which_rows,
                orders_end_with_the_key_and_nulls_come_first,
                a_page_goes_on_after_a_row_that_is_gone,
            }
            versions {
                the_first_to_be_entered_is_live,
                a_table_from_before_there_were_versions_is_the_first,
                one_transaction_stops_the_group_of_the_old_one,
                never_swapped_while_it_is_behind,
                never_swapped_before_what_the_live_one_has_ever_handled,
                what_the_live_one_has_not_handled_is_not_waited_for,
                a_parked_stream_holds_it_back,
                fenced_by_a_swap,
                fenced_by_a_swap_are_units_too,
                one_winner_when_it_has_moved,
                a_group_that_was_removed_is_not_waited_for,
                a_rollback_is_at_once_and_goes_on_where_it_was,
                held_until_then_nobody_claims,
                a_hold_needs_a_rest_before,
                a_swap_comes_through_while_the_old_one_is_held,
                held_lanes_are_busy_for_units,
                one_transaction_forgets_the_group_and_the_table,
                one_winner_of_a_rollback_and_forgetting,
            }
            snapshots {
                what_is_not_there_is_none,
                bytes_in_bytes_out,
                the_newest_wins,
                an_older_one_never_replaces_a_newer_one,
                one_of_another_fingerprint_gives_way,
                actors_and_streams_are_kept_apart,
                of_concurrent_writers_the_newest_wins,
                the_largest_is_stored_and_a_larger_one_refused,
                they_are_there_for_the_next_process,
                history_goes_on_without_one_of_another_log,
            }
            model {
                random_operations_are_answered_as_by_the_model,
            }
            upkeep {
                what_is_removed_is_gone_and_the_rest_stays,
                dense_seq_goes_on_after_the_last_one,
                same_id_once_holds_for_what_is_removed,
                whoever_would_have_to_read_it_is_told,
                the_log_passes_over_it,
                nothing_beyond_the_end_can_be_removed,
                never_skipped_what_a_group_has_to_handle,
                never_skipped_what_is_owed,
                never_skipped_what_a_named_group_needs_it_for,
                the_snapshots_that_take_its_place_are_kept,
                a_replay_begins_with_what_is_left,
                a_replay_that_is_not_over_is_waited_for,
                what_was_skipped_is_still_told,
                what_is_put_back_is_as_it_was,
                what_was_never_there_is_not_put_back,
                recent_streams_come_newest_first_in_pages,
                recent_streams_are_looked_for_in_a_part_of_the_log,
                statistics_tell_about_how_much_there_is,
            }
            wake {
                an_append_raises_the_signal,
                giving_a_lane_back_raises_the_signal,
                what_an_ack_appends_raises_the_signal,
                all_who_wait_are_woken,
                many_appends_are_all_found_by_who_waits,
            }
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_suite {
    ($attributes:tt $harness:expr; $($module:ident { $($check:ident,)* })*) => {$(
        mod $module {
            #[allow(unused_imports)]
            use super::*;
            $($crate::__conformance_check! { $attributes $harness; $module $check })*
        }
    )*};
}

#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_check {
    ([$($attributes:tt)*] $harness:expr; $module:ident $check:ident) => {
        $($attributes)*
        #[test]
        fn $check() {
            $crate::conformance::run(async {
                let harness = $harness;
                $crate::conformance::suite::$module::$check(&harness).await;
            });
        }
    };
}
