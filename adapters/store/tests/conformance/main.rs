//! What every database must do, run against each of them.

#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests too")]

mod desk;
mod erasure;
mod inbox;
mod opening;
mod order;
mod outbox;
mod server;
mod sharing;
mod support;
mod turns;

use support::Home;

/// One test a promise and database.
macro_rules! promises {
    ($($suite:ident :: $name:ident),* $(,)?) => {
        mod memory {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                super::$suite::$name(super::Home::memory()).await;
            })*
        }
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                super::$suite::$name(super::Home::sqlite()).await;
            })*
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                super::$suite::$name(super::Home::postgres().await).await;
            })*
        }
    };
}

promises! {
    inbox::message_received_twice_is_decided_once,
    inbox::cursor_is_kept_with_its_batch,
    inbox::inputs_of_one_conversation_come_in_order_to_one_claimer,
    inbox::claim_that_waits_is_answered_by_what_is_received,
    inbox::claim_that_waits_gets_what_another_gave_back,
    inbox::tries_are_committed_before_the_engine_runs,
    inbox::input_tried_five_times_is_poisoned_then_parked_then_replayed,
    inbox::dropped_claim_gives_its_inputs_back,
    inbox::due_timer_becomes_one_input,
    inbox::waiting_loop_is_woken_by_what_arrives,
    inbox::native_ids_with_odd_characters_are_kept,
    turns::state_timers_and_records_are_committed_together,
    turns::one_bad_turn_does_not_sink_the_commit,
    turns::unique_reference_clash_gets_a_fresh_seed,
    turns::commit_takes_only_what_the_claim_holds,
    turns::many_commits_at_once_keep_every_turn,
    turns::text_taken_back_is_gone,
    turns::talk_about_a_text_taken_back_is_dropped_and_danger_is_not,
    outbox::only_what_this_process_can_reach_is_leased,
    outbox::secret_is_kept_sealed_and_keys_are_derived,
    outbox::rows_of_a_lane_leave_in_order_and_safety_first,
    outbox::stuck_lane_delays_no_other,
    outbox::lease_expires_and_fence_refuses_the_late_writer,
    outbox::unknown_outcomes_are_counted_on_the_row,
    outbox::old_talk_of_the_bot_is_stale_after_a_take,
    outbox::you_have_it_waits_for_talk_in_flight,
    outbox::run_of_one_lane_is_leased_together,
    outbox::retry_holds_the_whole_lane_back,
    outbox::talk_leased_with_its_turn_is_in_flight_like_any_other,
    outbox::turns_lease_no_more_than_they_may,
    outbox::what_was_never_tried_is_leased_for_a_short_time,
    order::lanes_keep_their_order_whatever_happens,
    erasure::erase_leaves_nothing_but_keys_and_audit,
    erasure::what_somebody_wrote_is_found_however_much_others_wrote,
    erasure::erase_keeps_what_it_is_told_to_keep,
    erasure::clear_chat_of_an_erasing_turn_still_knows_the_messages,
    erasure::purge_keeps_the_periods,
    erasure::purge_keeps_an_input_as_long_as_what_was_said_because_of_it,
    desk::practitioner_is_known_only_after_the_code,
    desk::codes_grow_old_and_guessing_is_limited,
    desk::copies_are_found_and_changed,
    desk::what_was_said_at_the_desk_is_found_by_its_id,
    desk::requests_have_the_state_that_the_desk_gave_them,
    desk::case_and_thread_find_each_other,
    desk::transcript_tells_both_sides_in_order,
    desk::stats_tell_what_waits,
}
