//! The checks, one module per invariant or subject, and the list of them.

pub mod append;
pub mod claim;
pub mod dense_seq;
pub mod lease;
pub mod one_winner;

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
            claim {
                gives_the_pending_messages_of_a_stream_in_order,
                gives_nothing_when_there_is_nothing,
                gives_only_the_types_the_group_handles,
                gives_no_more_lanes_than_asked_for,
                gives_no_more_messages_of_a_lane_than_asked_for,
                gives_the_longest_waiting_first,
                gives_each_group_its_share,
                gives_every_group_a_turn_even_one_lane_at_a_time,
                groups_do_not_share_progress,
                says_when_a_group_is_unknown,
                a_released_lane_can_be_claimed_at_once,
            }
            lease {
                a_claimed_lane_is_not_claimed_again,
                a_lane_is_taken_over_when_its_lease_has_ended,
                its_own_worker_may_take_over_too,
                an_ended_lease_holds_until_somebody_takes_over,
                a_renewal_prolongs_it_from_now,
                a_renewal_names_the_claims_that_are_lost,
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
