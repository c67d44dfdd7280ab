//! The suites that every job queue and all leases pass, through PgBouncer in its transaction mode.
//!
//! Of the queue's those cases in which several take part, or time, or a transaction: only there the connections matter. All of them
//! pass, and take minutes.

#[allow(dead_code, reason = "nobody asks whether a selection is complete")]
mod job_queue {
    use std::sync::Arc;

    use athyper_testkit::clock::VirtualClock;
    use athyper_testkit::conformance::job_queue::JobQueueFixture;

    use crate::pooled::pooled;
    use crate::support::{ServerTime, context_with, fresh_url_with_clock, jobs, open};

    async fn fixture() -> JobQueueFixture {
        let (url, clock) = (fresh_url_with_clock().await, VirtualClock::new());
        let time = open(&context_with(&url, clock.clone())).await.unwrap();
        let url = pooled(&url).await;
        let (here, there) = (context_with(&url, clock.clone()), context_with(&url, clock.clone()));
        let db = open(&here).await.unwrap();
        JobQueueFixture {
            queue: jobs(&here).await.unwrap(),
            other: jobs(&there).await.unwrap(),
            database: Some(db.database().clone()),
            clock: clock.clone(),
            time: Arc::new(ServerTime { clock, db: time }),
        }
    }

    athyper_testkit::job_queue_conformance! { fixture;
        a_thousand_jobs_are_added_at_once any_text_is_an_id any_json_is_a_payload
        many_workers_get_each_job_once many_producers_lose_no_job one_of_many_producers_adds_an_id
        one_of_many_producers_gets_a_key one_of_many_reports_is_accepted a_report_and_a_recovery_do_not_both_win
        many_workers_respect_a_serial_key many_workers_keep_to_the_limits jobs_are_conserved
        a_delivery_adds_its_jobs_once one_of_many_delivers
        tenants_take_turns no_more_run_at_once_than_the_queue_allows each_tenant_starts_so_many_within_a_period
        a_slot_that_is_freed_wakes_a_worker a_period_that_ends_wakes_a_worker lifting_limits_wakes_a_worker
        a_serial_key_holds_in_another_process
        a_lock_lasts_as_long_as_asked many_jobs_are_taken_back_at_once taking_back_happens_once
        one_of_many_fires_a_tick a_replaced_leader_cannot_fire
        a_job_exists_once_committed a_job_of_a_rolled_back_transaction_never_was
        a_job_of_a_dropped_transaction_never_was duplicates_are_found_inside_of_a_transaction
        a_committed_job_wakes_a_worker a_foreign_transaction_is_refused
        a_job_wakes_a_worker a_job_of_another_process_wakes_a_worker a_delay_that_ends_wakes_a_worker
        whatever_frees_a_job_wakes_a_worker a_request_dropped_at_any_moment_loses_no_job
        one_of_several_waiting_workers_gets_a_job
    }
}

mod leadership {
    use std::sync::Arc;

    use athyper_testkit::clock::VirtualClock;
    use athyper_testkit::conformance::leadership::LeadershipFixture;

    use crate::leadership::leases;
    use crate::pooled::pooled;
    use crate::support::{ServerTime, context_with, fresh_url_with_clock, open};

    async fn fixture() -> LeadershipFixture {
        let (url, clock) = (fresh_url_with_clock().await, VirtualClock::new());
        let db = open(&context_with(&url, clock.clone())).await.unwrap();
        let url = pooled(&url).await;
        let (leadership, other) = (leases(&url, &clock).await, leases(&url, &clock).await);
        LeadershipFixture { leadership, other, time: Arc::new(ServerTime { clock, db }) }
    }

    athyper_testkit::leadership_conformance!(fixture);
}
