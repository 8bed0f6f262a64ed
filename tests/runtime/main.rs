//! What the runtime promises, on every backend: each test carries the name of the promise.

#![allow(unreachable_pub, reason = "modules of one test program share `shop`")]
#![allow(clippy::unwrap_used, reason = "a test")]

mod backends;
#[allow(dead_code, reason = "the other program, `dropping`, uses the rest")]
mod own;
mod shop;

mod across;
mod altered;
mod announcing;
mod archiving;
mod bad_input;
mod building;
mod by_hand;
mod catching_up;
mod clock_free;
mod dates;
mod deciding;
mod failing;
mod feeds;
mod forms;
mod global_order;
mod history;
mod joining;
mod joining_at_once;
mod knowing;
mod known_ids;
mod large;
mod observing;
mod operating;
mod reacting;
mod rebuilding;
mod rebuilding_told;
mod recurring;
mod remedies;
mod scenarios;
mod scheduling;
mod seeing;
mod several;
mod snapshots;
mod stopping;
mod stored;
mod storing;
mod tables;
mod unit_seqs;
mod units;

/// Makes a test of each promise on each backend: `postgres::deciding::…`.
macro_rules! promises {
    ($($module:ident { $($test:ident,)* })*) => {
        promises!(@on memory, $($module { $($test,)* })*);
        promises!(@on sqlite, $($module { $($test,)* })*);
        promises!(@on postgres, $($module { $($test,)* })*);
    };
    (@on $name:ident, $($module:ident { $($test:ident,)* })*) => {
        mod $name {
            $(mod $module {
                $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $test() {
                    crate::$module::$test(crate::backends::On::$name().await).await;
                })*
            })*
        }
    };
}

promises! {
    across {
        money_is_conserved_by_concurrent_durable_transfers,
        money_is_conserved_by_transfers_of_workers,
        money_is_conserved_by_transfers_of_units_beside_workers,
        conflict_in_the_other_stream_is_decided_again,
        fresh_state_of_the_other_stream_for_each_transfer_of_a_batch,
        a_refused_transfer_leaves_nothing_in_either_stream,
        a_stream_named_twice_is_refused_and_parks_nothing,
        a_stream_that_follows_from_the_command_is_named_by_nobody,
        a_stream_that_follows_from_nothing_proper_is_refused_and_parks_nothing,
        every_stream_of_a_decision_carries_its_cause_and_correlation,
        events_may_go_to_another_stream_alone,
        of_two_doctors_who_read_each_other_one_stays_on_call,
    }
    announcing {
        after_the_commit_each_row_that_a_batch_has_changed_is_told_once,
        replay_is_marked_so_rows_are_told_to_who_asks,
        a_failure_after_the_commit_of_a_row_changes_nothing,
        what_went_well_before_a_failing_row_is_told_once,
        a_unit_tells_of_its_rows_when_it_is_stored,
        what_a_row_is_told_with_has_to_be_there,
    }
    archiving {
        snapshot_is_no_truth_so_a_state_without_its_events_is_an_error,
        a_stream_goes_on_from_the_snapshot_that_its_removal_needed,
        never_skipped_whoever_has_not_handled_it_is_waited_for,
        whoever_reads_from_the_beginning_is_named,
        nothing_is_removed_that_the_archive_did_not_take,
        what_was_put_back_can_be_handled_again,
        same_id_once_for_a_command_that_was_removed,
    }
    by_hand {
        workers_survive_a_panic_and_count_it_as_an_attempt,
        a_panic_in_a_unit_stores_nothing_and_is_told,
    }
    bad_input {
        quarantine_of_a_payload_that_is_no_longer_read_until_it_is,
        quarantine_of_an_event_that_panics_until_its_method_is_fixed,
        outage_is_no_attempt_and_parks_nothing,
        quarantine_goes_by_the_failure_of_a_projector_s_reaction,
    }
    building {
        every_missing_resource_is_named,
        one_group_name_for_two_reactors_is_refused,
        two_actors_that_decide_one_command_are_refused,
        an_actor_that_is_not_registered_says_so_when_it_is_called,
        a_message_renamed_without_an_alias_is_told,
        an_actor_renamed_without_an_alias_is_told_once,
    }
    catching_up {
        never_skipped_by_a_projector_that_is_registered_late,
        quarantine_of_one_event_among_many_parks_its_stream_alone,
        each_event_once_by_several_processes_that_are_cut_off,
        each_event_once_when_answers_are_lost,
        a_rebuild_counts_everything_once,
        a_newer_version_takes_over_when_it_has_caught_up,
    }
    clock_free {
        clock_free_two_workers_an_hour_apart_double_and_lose_nothing,
    }
    dates {
        dates_are_read_back_and_sorted_as_such,
    }
    deciding {
        decided_once_and_its_outcome_can_be_read,
        fresh_state_for_each_command_of_a_batch,
        same_id_once_when_a_command_is_dispatched_twice,
        a_durable_method_answers_with_its_events_or_the_domain_s_own_error,
        decided_once_a_durable_method_s_command_is_not_decided_again_by_a_worker,
        ack_never_jumps_over_a_pending_command_when_a_later_one_is_decided_at_once,
        conflict_is_not_an_error_for_many_deciders_of_one_stream,
        a_command_nobody_decides_is_not_stored,
    }
    failing {
        quarantine_of_a_stream_whose_message_keeps_failing,
        workers_survive_a_panic_in_a_handler,
        a_failure_that_passes_is_tried_again_until_it_does,
        what_went_well_before_a_failure_in_the_same_batch_is_kept,
        what_is_too_large_fails_its_own_command_at_once,
        a_panicking_evolve_parks_its_stream_and_no_other,
        a_command_may_both_refuse_and_fail,
        outage_is_no_attempt_in_the_appends_of_an_acknowledgement,
        outage_is_no_attempt_however_a_handler_meets_it,
    }
    feeds {
        a_feed_gives_what_is_meant_in_either_direction,
        a_feed_counts_and_finds_its_ends,
        never_skipped_by_a_feed_that_follows,
        a_reader_sees_what_an_app_has_stored,
    }
    forms {
        an_emitter_shows_the_state_that_each_event_leads_to,
        a_command_returns_the_actor_s_own_enum_and_histories_are_read_by_it,
        before_evolve_runs_before_each_event_that_is_handled,
        history_of_a_command_has_the_events_before_it,
        a_projector_reacts_once_and_stays_silent_in_a_replay,
        a_handler_is_told_once_and_its_commands_are_dispatched,
        a_dry_run_says_what_would_happen_and_stores_nothing,
        a_twin_in_memory_decides_and_leaves_no_trace,
        every_missing_resource_of_a_handler_is_named,
    }
    global_order {
        in_global_order_by_workers_of_two_processes,
        each_event_once_when_workers_are_cut_off,
        quarantine_of_one_event_holds_up_what_comes_after_it_in_any_stream,
        a_rebuild_and_a_restart_count_everything_once,
        what_a_unit_leaves_to_workers_is_seen,
        never_skipped_by_archiving,
        never_skipped_by_workers_that_seldom_look,
        it_begins_where_it_is_told,
        what_would_break_the_order_is_refused_when_the_app_is_built,
    }
    joining {
        one_transaction_with_the_rows_of_the_caller,
        one_transaction_leaves_nothing_when_the_caller_rolls_back,
        fresh_state_and_dense_seq_over_several_units_of_one_transaction,
        a_unit_that_stores_nothing_leaves_the_transaction_usable,
        ack_never_jumps_in_the_transaction_of_the_caller,
        decided_once_by_joined_units_workers_and_durable_methods_side_by_side,
        others_wait_while_the_transaction_is_open_and_do_not_fail,
        workers_are_woken_after_the_commit,
        what_cannot_be_joined_is_told,
    }
    joining_at_once {
        no_other_connection_is_needed_however_many_units_join_at_once,
    }
    known_ids {
        same_id_once_for_reactions_to_events_of_one_batch,
        same_id_once_in_one_dispatch,
        same_id_once_in_units_which_answer_the_first_outcome,
        a_command_that_nobody_decides_is_not_sent_by_a_reaction,
    }
    large {
        a_batch_is_bounded_in_bytes_however_much_waits,
    }
    knowing {
        conflict_is_not_an_error_for_two_hundred_calls_at_once,
        a_known_state_is_not_read_again,
        fresh_state_when_another_app_has_appended,
        fresh_state_for_a_no,
        one_winner_among_apps_that_know_the_same_state,
        a_state_that_panicked_is_not_known,
        never_ahead_after_an_append_that_failed,
        fresh_state_for_workers_and_durable_methods_in_turn,
        whoever_needs_the_events_reads_them,
        the_seqs_in_a_known_state_are_those_that_are_stored,
    }
    observing {
        health_tells_of_the_storage_the_workers_and_the_groups,
        health_tells_when_workers_are_stopped,
        health_is_ok_while_a_graceful_stop_waits,
        a_slow_handler_is_told_with_what_led_to_it,
        a_handler_is_slow_by_one_message_and_not_by_its_batch,
        a_trace_is_handed_on_from_cause_to_effect,
    }
    operating {
        replay_is_marked_so_a_reset_projects_again_and_dispatches_nothing,
        a_stopped_group_waits_over_restarts_until_it_is_started,
        the_progress_of_a_replay_is_told_until_it_is_through,
        a_group_begins_where_it_is_told_and_anew_when_it_was_removed,
    }
    reacting {
        a_chain_of_command_event_reaction_command_event,
        every_message_carries_its_cause_its_correlation_and_its_metadata,
        a_reaction_sees_the_state_as_of_its_event,
        one_transaction_saves_a_projection_with_its_acknowledgement,
        an_app_started_again_continues_and_doubles_nothing,
    }
    rebuilding {
        a_newer_version_takes_over_under_traffic_and_no_read_steps_back,
        the_old_version_goes_on_when_the_new_one_does_not_come_level,
        a_rollback_is_at_once_and_holds_until_somebody_swaps_again,
        a_version_can_wait_for_a_person,
        rows_of_another_shape_are_refused_until_their_version_is_live,
    }
    rebuilding_told {
        side_effects_happen_once_whichever_version_is_live,
        side_effects_of_units_happen_once_whichever_version_is_live,
    }
    recurring {
        tick_once_by_any_number_of_processes,
        tick_once_over_restarts_and_missed_ticks_are_counted,
        tick_once_whatever_the_clocks_of_processes_say,
        tick_once_by_two_versions_with_different_rules,
        only_the_newest_missed_tick_is_made_up_for,
        each_missed_tick_is_made_up_for_up_to_so_many,
        ticks_that_are_too_late_are_skipped_and_shown,
        a_changed_rule_counts_from_now_on,
        a_removed_recurrence_ticks_no_more,
        a_tick_is_carried_by_its_command_and_by_what_follows,
        one_that_fails_holds_back_no_other,
    }
    remedies {
        a_failure_in_the_middle_of_a_batch_counts_as_any_other,
        quarantine_at_once_of_what_will_not_pass,
        quarantine_ends_by_a_retry_and_all_is_handled_in_order,
        ack_never_jumps_when_a_person_skips_what_is_parked,
        a_policy_goes_by_the_type_of_the_failure,
        a_failure_stops_its_group_until_a_person_starts_it,
        attempts_are_counted_for_each_message_anew,
        a_skipped_command_says_so,
        hooks_are_called_once_for_each_failure,
        hooks_of_each_process_are_told_when_a_group_fails_runs_and_is_stopped,
        workers_survive_a_panic_in_a_hook_or_a_strategy,
        a_reactor_keeps_to_its_own_limit_of_lanes,
    }
    scenarios {
        given_events_lead_to_documents_and_to_nothing_else,
        given_events_lead_to_rows,
        one_transaction_saves_what_a_scenario_reads,
    }
    scheduling {
        schedule_once_a_reaction_s_follow_up_waits_for_its_time,
        schedule_once_a_dispatched_command_is_waited_for,
        a_time_that_has_passed_means_now,
        same_id_once_for_a_command_that_is_scheduled_twice,
        a_cancelled_command_is_never_decided,
        schedule_once_by_the_next_process_when_this_one_has_ended,
        a_unit_leaves_what_is_for_later_to_the_workers,
    }
    seeing {
        a_command_is_seen_by_a_projector_when_it_has_answered,
        a_durable_call_is_seen,
        what_another_process_projects_is_seen,
        the_limit_is_told_with_what_is_missing,
        parked_streams_and_stopped_groups_are_told_at_once,
        what_a_unit_left_to_workers_is_seen,
    }
    several {
        a_method_for_several_events_sees_which_it_is_called_for,
    }
    snapshots {
        one_is_taken_after_every_so_many_events_and_used,
        a_worker_starts_from_one,
        fresh_state_where_one_is_of_other_code_or_damaged,
        a_new_version_of_the_actor_ignores_those_of_the_old_one,
        a_field_with_a_default_is_a_change_of_shape,
        an_app_started_again_uses_what_is_there,
        a_reaction_sees_the_state_as_of_its_event_behind_a_snapshot,
        whoever_asks_for_the_history_gets_all_of_it,
        an_emitter_goes_on_from_a_snapshot,
        never_ahead_of_the_log,
        snapshot_and_tail_are_the_full_fold,
    }
    stopping {
        a_graceful_stop_lets_running_handlers_finish,
        a_handler_that_does_not_end_is_given_back_and_handled_by_the_next_worker,
        fenced_a_worker_whose_claim_was_taken_over_stores_nothing,
        a_slow_handler_holds_back_no_other_stream,
        several_workers_share_the_work_and_double_nothing,
        a_stop_ends_within_its_time_whatever_the_storage_does,
        safe_to_drop_a_stop_leaves_nothing_running,
    }
    stored {
        a_stored_state_goes_on_from_what_was_saved,
        what_went_well_before_a_failure_is_saved_and_the_rest_goes_on,
        fenced_whoever_lost_the_lane_saves_no_state_of_the_past,
        replay_is_marked_and_counts_nothing_twice,
        no_history_is_read_but_in_a_replay,
        one_transaction_of_a_unit_takes_what_is_loaded_in_it,
        a_failure_after_the_commit_changes_nothing,
    }
    storing {
        what_cannot_be_told_in_json_is_refused_by_every_call,
        what_cannot_be_read_back_is_refused_by_every_call,
        a_decision_that_cannot_be_stored_stores_nothing_anywhere,
        what_cannot_be_evolved_by_is_not_stored,
        read_models_hold_nothing_that_cannot_be_read,
        quarantine_of_nothing_by_a_number_from_outside,
        floats_are_kept_to_the_last_bit_on_every_path,
        a_message_without_fields_gets_some_and_loses_them,
        snapshot_is_no_truth_where_the_state_cannot_be_written,
    }
    tables {
        a_table_follows_its_events_and_answers_queries,
        each_event_once_of_many_streams_in_one_row,
        each_event_once_when_workers_are_cut_off,
        what_went_well_before_a_failing_row_is_kept,
        a_row_that_does_not_fit_its_event_parks_the_stream,
        what_the_database_refuses_parks_its_event_alone,
        what_the_database_refuses_is_found_wherever_it_stands,
        a_rebuild_counts_everything_once,
        never_skipped_when_somebody_dropped_the_table,
        a_table_that_differs_is_said_when_the_app_is_built,
        one_transaction_with_a_unit,
    }
    unit_seqs {
        a_projector_is_told_the_seq_that_is_stored,
        a_command_that_is_not_stored_takes_no_seq,
        the_seq_holds_while_commands_keep_arriving,
    }
    units {
        the_whole_chain_is_stored_and_workers_find_nothing_left,
        a_refused_command_stores_nothing,
        a_failing_handler_stores_nothing,
        a_chain_without_an_end_is_named,
        ack_never_jumps_what_waits_is_left_to_workers_in_its_turn,
        only_the_chosen_reactors_take_part,
        commands_need_not_be_stored,
        decided_once_by_units_workers_and_durable_methods_side_by_side,
        a_refusal_further_down_the_chain_is_told,
    }
}

/// What only databases do.
mod far_behind {
    promises!(@on sqlite, catching_up {
        one_acknowledgement_brings_a_stretch_of_the_log,
    });
    promises!(@on postgres, catching_up {
        one_acknowledgement_brings_a_stretch_of_the_log,
    });
}

/// What can be done by hand to tables of databases.
mod by_sql {
    promises!(@on sqlite, altered {
        quarantine_ends_when_a_renamed_column_has_its_name_again,
        quarantine_of_rows_alone_that_a_foreign_index_refuses,
        never_skipped_when_somebody_dropped_a_column,
    });
    promises!(@on postgres, altered {
        quarantine_ends_when_a_renamed_column_has_its_name_again,
        quarantine_of_rows_alone_that_a_foreign_index_refuses,
        quarantine_ends_when_a_foreign_column_is_gone,
        read_your_own_writes_while_a_column_has_another_type,
        never_skipped_when_somebody_dropped_a_column,
    });
}

/// On databases whose place another one can take.
macro_rules! history {
    ($($test:ident,)*) => {
        mod sqlite_history {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                crate::history::$test(crate::history::Place::sqlite()).await;
            })*
        }
        mod postgres_history {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                crate::history::$test(crate::history::Place::postgres().await).await;
            })*
        }
    };
}

history! {
    a_decision_is_made_on_what_is_there,
    workers_and_projections_go_on_from_what_is_there,
    followers_are_told_and_go_on,
    nothing_is_made_of_events_that_are_gone,
}
