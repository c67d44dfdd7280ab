//! What every implementation of the `JobQueue` port must do.
//!
//! Run it on an implementation with [`job_queue_conformance!`](crate::job_queue_conformance): one test a case.

mod adding;
mod administration;
mod cancelling;
mod checkpoints;
mod concurrency;
mod deliveries;
mod fairness;
mod fixture;
mod flow_failures;
mod flows;
mod limits;
mod listing;
mod locks;
mod logs;
mod model;
mod ordering;
mod outcomes;
mod parking;
mod pausing;
mod retention;
mod schedules;
mod serial;
mod stalls;
mod steps;
mod transactions;
mod unique;
mod waiting;

use std::fmt;
use std::pin::Pin;
use std::time::Duration;

pub use self::fixture::JobQueueFixture;
pub use self::steps::{Ending, Step, follow};
pub use super::case::{StoreTime, Violation};

/// What a case returns while it runs.
pub type Running = Pin<Box<dyn Future<Output = Result<(), Violation>> + Send>>;

/// One case of the suite.
#[derive(Clone, Copy)]
pub struct Case {
    /// Its name, which is that of the test it becomes.
    pub name: &'static str,
    /// Runs it on a fresh queue.
    pub run: fn(JobQueueFixture) -> Running,
}

impl fmt::Debug for Case {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name)
    }
}

/// Makes the table of a topic's cases.
macro_rules! define_cases {
    ($(#[doc = $doc:literal] async fn $name:ident($fixture:ident) $body:block)*) => {
        $(
            #[doc = $doc]
            async fn $name($fixture: super::JobQueueFixture) -> super::fixture::Checked $body
        )*

        pub(super) const CASES: &[super::Case] = &[
            $(super::Case { name: stringify!($name), run: |fixture| Box::pin($name(fixture)) }),*
        ];
    };
}
use define_cases;

/// Every case.
pub fn cases() -> impl Iterator<Item = Case> {
    [
        adding::CASES,
        administration::CASES,
        cancelling::CASES,
        checkpoints::CASES,
        concurrency::CASES,
        deliveries::CASES,
        fairness::CASES,
        flows::CASES,
        flow_failures::CASES,
        limits::CASES,
        listing::CASES,
        locks::CASES,
        logs::CASES,
        ordering::CASES,
        outcomes::CASES,
        parking::CASES,
        pausing::CASES,
        retention::CASES,
        schedules::CASES,
        serial::CASES,
        stalls::CASES,
        transactions::CASES,
        unique::CASES,
        waiting::CASES,
    ]
    .into_iter()
    .flatten()
    .copied()
}

/// In real time, what a case may take at most.
const LIMIT: Duration = Duration::from_secs(120);

/// Runs the case of a name.
///
/// # Errors
/// What the implementation did instead; or that there is no such case.
pub async fn run(name: &str, fixture: JobQueueFixture) -> Result<(), Violation> {
    match cases().find(|case| case.name == name) {
        Some(case) => match tokio::time::timeout(LIMIT, (case.run)(fixture)).await {
            Ok(found) => found,
            Err(_) => Err(Violation::new(format!("the case `{name}` does not end within {LIMIT:?}: a call hangs"))),
        },
        None => Err(Violation::new(format!("there is no case `{name}`"))),
    }
}

/// Runs every case of the job queue suite, each as a test of its own.
///
/// Takes an `async fn() -> JobQueueFixture` that opens a fresh queue.
///
/// ```
/// # use athyper_testkit::conformance::job_queue::JobQueueFixture;
/// # async fn memory_fixture() -> JobQueueFixture { std::future::pending().await }
/// mod on_memory {
///     athyper_testkit::job_queue_conformance!(super::memory_fixture);
/// }
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! job_queue_conformance {
    ($open:path) => {
        $crate::job_queue_conformance! { $open;
            a_job_is_handed_out_as_it_was_added each_job_is_answered_in_order adding_nothing_is_fine
            a_thousand_jobs_are_added_at_once jobs_of_several_queues_are_added_at_once
            an_id_that_waits_is_a_duplicate an_id_that_is_active_is_a_duplicate
            an_id_that_finished_is_a_duplicate duplicates_within_one_call_are_found an_id_belongs_to_its_queue
            any_text_is_an_id any_text_is_a_key any_json_is_a_payload another_process_sees_what_was_added
            a_record_tells_everything each_state_is_counted a_job_that_nobody_holds_can_be_removed
            a_held_job_cannot_be_removed an_unknown_job_is_not_found a_retried_job_begins_anew
            a_retried_job_goes_to_the_end retrying_forgives_stalls only_a_failed_job_can_be_retried
            a_promoted_job_is_ready only_a_delayed_job_can_be_promoted a_due_job_cannot_be_promoted
            the_oldest_waiting_job_can_be_asked_for the_store_answers
            a_job_that_waits_is_cancelled_at_once a_held_job_is_asked_to_stop a_cancelled_job_does_not_come_back
            a_cancelled_job_that_fails_says_why a_cancelled_job_of_a_silent_worker_ends what_has_ended_cannot_be_cancelled
            a_cancelled_job_frees_its_serial_key a_cancelled_job_can_be_retried
            a_checkpoint_comes_with_the_next_attempt a_checkpoint_stays a_stale_worker_keeps_no_checkpoint
            many_workers_get_each_job_once many_producers_lose_no_job one_of_many_producers_adds_an_id
            one_of_many_producers_gets_a_key one_of_many_reports_is_accepted
            a_report_and_a_recovery_do_not_both_win many_workers_respect_a_serial_key
            a_delivery_adds_its_jobs a_delivery_adds_its_jobs_once a_delivery_that_was_overtaken_adds_nothing
            each_source_counts_by_itself a_delivery_without_jobs_counts the_latest_deliveries_are_remembered
            one_of_many_delivers
            a_queue_may_be_first_come_first_served first_come_counts_from_when_a_job_is_ready tenants_take_turns
            tenants_of_one_call_take_turns a_tenant_that_comes_later_is_next nobody_is_passed_over_for_ever
            no_tenant_is_a_tenant priority_goes_before_turns a_tenants_jobs_keep_their_order
            a_delayed_job_takes_its_turn_when_it_is_due another_attempt_takes_a_new_turn
            a_released_job_keeps_its_turn a_job_that_is_taken_back_keeps_its_turn a_freed_job_takes_its_turn
            a_job_takes_its_turn_when_it_is_made_ready_by_hand turns_are_each_queues_own
            the_oldest_of_those_that_take_turns_can_be_asked_for
            a_parent_waits_for_its_children children_are_told_of_in_their_order children_may_have_children
            a_parent_that_is_let_go_wakes_a_worker only_an_end_lets_a_parent_go a_parent_may_have_a_delay
            parents_that_wait_are_listed a_result_outlives_its_child a_child_that_had_completed_is_done
            a_child_that_had_failed_counts_as_such a_child_that_is_there_is_waited_for a_child_that_runs_is_waited_for
            a_child_has_one_parent_at_a_time a_root_that_is_there_stands_for_its_flow what_is_no_flow_is_refused
            any_text_is_an_id_of_a_flow a_large_flow_is_added_at_once many_workers_let_a_parent_go_once
            a_flow_of_a_transaction_comes_with_its_commit a_child_that_fails_fails_its_parent
            a_failure_goes_up_the_tree a_failure_goes_up_as_far_as_each_says a_failed_child_may_let_its_parent_go_on
            a_failed_child_may_be_ignored a_failed_child_may_be_forgotten a_failed_child_may_hold_its_parent
            what_is_not_kept_holds_no_parent a_child_that_stalls_too_often_fails_its_parent
            a_cancelled_child_has_failed cancelling_a_parent_cancels_what_is_below_it
            removing_a_parent_removes_what_is_below_it a_child_that_is_removed_lets_its_parent_go
            a_retried_child_is_waited_for_again a_retried_parent_waits_for_what_has_not_ended
            a_child_with_another_parent_is_waited_for_no_longer
            limits_are_told no_more_run_at_once_than_the_queue_allows a_queue_starts_so_many_within_a_period
            each_attempt_counts_for_a_rate no_more_of_a_tenant_run_at_once each_tenant_starts_so_many_within_a_period
            no_tenant_is_limited_as_one jobs_beyond_a_limit_hold_nobody_up jobs_beyond_a_limit_wait_in_their_places
            what_runs_already_counts limits_can_be_lifted a_rate_that_is_set_begins_anew every_outcome_frees_a_slot
            a_job_beyond_a_limit_can_be_removed a_serial_key_uses_up_no_room a_period_begins_with_the_first_start limits_are_each_queues_own a_serial_key_and_a_limit_hold_together
            many_workers_keep_to_the_limits a_slot_that_is_freed_wakes_a_worker a_period_that_ends_wakes_a_worker
            lifting_limits_wakes_a_worker
            queues_are_shown_sorted waiting_jobs_are_listed_as_they_would_run
            delayed_jobs_are_listed_by_their_time finished_jobs_are_listed_latest_first
            a_list_is_narrowed_to_states a_list_is_narrowed_to_a_kind a_list_is_read_page_by_page
            a_list_is_of_one_queue
            a_held_job_is_handed_out_once no_more_jobs_than_were_asked_for only_taking_back_frees_a_held_job
            the_token_only_grows a_stale_worker_cannot_complete a_stale_worker_has_no_say
            a_stale_worker_reports_no_progress a_stale_worker_renews_nothing the_first_outcome_stands
            a_job_that_waits_is_nobodys a_job_that_was_taken_back_is_nobodys a_lock_of_no_job_is_refused
            a_token_from_the_future_is_refused verdicts_come_in_order renewing_holds_a_job
            renewing_answers_with_what_is_lost a_lock_that_ran_out_is_good_until_taken_back
            a_wall_clock_that_jumps_ends_no_lock a_restart_of_the_machine_ends_locks
            a_log_has_its_rows_in_order a_log_goes_with_its_job a_long_log_keeps_its_latest_rows a_stale_worker_logs_nothing
            first_come_first_served the_order_of_one_call_is_kept a_smaller_priority_number_runs_first
            extreme_priorities_are_ordered equal_priorities_keep_their_order a_better_priority_overtakes
            a_delayed_job_takes_its_place_by_when_it_became_ready delayed_jobs_are_ordered_by_their_time
            priority_goes_before_time a_due_time_in_the_past_does_not_jump_the_queue queues_are_separate
            a_delayed_job_is_handed_out_in_time a_delayed_job_becomes_a_waiting_one
            a_delay_longer_than_a_lock_runs_once a_job_may_be_due_in_a_distant_century
            the_next_due_time_can_be_asked a_wall_clock_that_jumps_makes_jobs_due
            a_completed_job_keeps_its_result a_failed_job_keeps_the_reason a_retried_job_waits_its_delay
            attempts_count_up a_retry_without_delay_is_ready_at_once a_snoozed_attempt_does_not_count
            a_released_job_keeps_its_place the_next_jobs_come_with_the_verdicts no_next_job_comes_unasked
            the_next_jobs_are_not_waited_for the_next_jobs_may_be_asked_for_alone
            outcomes_come_before_the_next_jobs many_outcomes_are_told_at_once the_latest_progress_stands
            jobs_are_conserved
            a_parked_job_says_why a_parked_job_is_tried_again a_capable_worker_frees_its_kinds
            only_parked_jobs_are_freed a_parked_job_can_be_looked_after
            a_paused_queue_hands_out_nothing what_is_active_ends a_pause_is_one_queues
            pausing_twice_is_as_once a_delay_passes_during_a_pause
            the_latest_completed_jobs_stay failed_jobs_are_counted_apart a_count_of_zero_keeps_nothing
            the_count_is_that_of_the_job_that_ends an_old_job_goes an_old_failed_job_goes
            retention_is_each_queues_own unfinished_jobs_are_never_removed
            stalled_failures_are_kept_by_the_same_rule
            declared_schedules_begin_now declaring_again_keeps_the_marks a_changed_schedule_begins_anew
            a_removed_schedule_disappears a_replaced_leader_cannot_declare an_older_version_changes_no_schedule
            a_beginning_in_the_future_is_not_believed a_tick_adds_its_job
            the_job_of_a_tick_is_like_any_other a_tick_fires_once a_replaced_leader_cannot_fire
            an_unknown_schedule_does_not_fire a_tick_without_a_job_is_passed_over
            an_unfinished_job_passes_ticks_over overlap_lets_ticks_fire one_of_many_fires_a_tick
            one_job_of_a_key_at_a_time one_job_of_a_key_a_call jobs_without_the_key_pass_by
            every_outcome_frees_the_key the_next_of_a_key_comes_with_the_verdict a_stall_frees_the_key
            a_waiting_retry_does_not_hold_others_up priority_holds_within_a_key
            a_serial_key_belongs_to_its_queue a_serial_key_holds_in_another_process
            only_what_ran_out_is_taken_back a_lock_lasts_as_long_as_asked
            a_job_that_is_taken_back_keeps_its_place a_job_that_stalls_too_often_fails no_stall_may_be_allowed
            an_attempt_that_ends_forgives_stalls a_release_does_not_forgive_stalls other_queues_are_left_alone
            many_jobs_are_taken_back_at_once taking_back_happens_once a_stall_changes_nothing_else a_job_tells_of_its_stalls
            a_job_exists_once_committed a_job_of_a_rolled_back_transaction_never_was
            a_job_of_a_dropped_transaction_never_was duplicates_are_found_inside_of_a_transaction
            a_rolled_back_key_is_free a_committed_job_wakes_a_worker a_foreign_transaction_is_refused
            a_second_job_is_answered_with_the_first after_the_period_a_job_is_added the_period_is_the_holders
            the_key_outlasts_the_job removing_a_job_frees_its_key a_key_that_passed_on_stays keys_are_separate
            keys_within_one_call_are_found a_duplicate_id_takes_no_key a_key_holds_in_another_process
            a_job_wakes_a_worker a_job_of_another_process_wakes_a_worker a_delay_that_ends_wakes_a_worker
            a_delay_that_begins_and_ends_wakes_a_worker a_wait_ends no_wait_is_no_wait
            whatever_frees_a_job_wakes_a_worker a_worker_that_stops_waiting_takes_no_job
            a_request_dropped_at_any_moment_loses_no_job one_of_several_waiting_workers_gets_a_job
        }

        #[test]
        fn no_case_is_left_out() {
            let names: Vec<&str> = $crate::conformance::job_queue::cases().map(|case| case.name).collect();
            assert_eq!(RUN, names);
        }
    };
    ($open:path; $($case:ident)*) => {
        const RUN: &[&str] = &[$(stringify!($case)),*];

        $(
            #[::tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                if let Err(violation) = $crate::conformance::job_queue::run(stringify!($case), $open().await).await {
                    panic!("{violation}");
                }
            }
        )*
    };
}
