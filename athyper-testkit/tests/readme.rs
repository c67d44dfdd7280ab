//! The product of the README with its test, as a user has it who copied them.
#![allow(missing_docs, reason = "a product of its own")]

use athyper::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize, Deserialize, Job)]
struct Welcome {
    to: String,
}

#[job(queue = "email", attempts = 3, backoff = "exponential 1s", timeout = "30s")]
async fn welcome(job: Welcome) -> Result<()> {
    println!("Welcome, {}!", job.to);
    Ok(())
}

#[scheduled("0 9 * * MON-FRI", tz = "Europe/Berlin")]
async fn good_morning(_tick: Tick, #[inject] jobs: Arc<Jobs>) -> Result<()> {
    jobs.enqueue(Welcome { to: "everybody".into() }).await?;
    Ok(())
}

async fn sign_up(Inject(jobs): Inject<Jobs>, Json(welcome): Json<Welcome>) -> Result<StatusCode> {
    jobs.enqueue(welcome).await?;
    Ok(StatusCode::ACCEPTED)
}

#[athyper::main]
fn app(kernel: KernelBuilder) -> KernelBuilder {
    kernel.routes(Router::new().route("/sign-up", post(sign_up)))
}

#[cfg(test)]
mod tests {
    use athyper_testkit::TestApp;

    use super::Welcome;

    #[athyper_testkit::test(super::app)]
    async fn who_signs_up_is_welcomed(app: TestApp) {
        app.post("/sign-up").json(&Welcome { to: "a@example.org".into() }).await.assert_status(202);
        app.jobs().assert_enqueued::<Welcome>(|job| job.to == "a@example.org").await;
        app.jobs().run_until_idle().await;
    }

    #[athyper_testkit::test(super::app)]
    async fn mondays_begin_with_a_greeting(app: TestApp) {
        app.clock().set("2026-03-30T06:59:00Z"); // 8:59 in Berlin, where summer time has begun
        app.clock().advance_minutes(2).await; // fires what is due, and runs its jobs
        app.jobs().assert_ran(super::good_morning, 1);
        app.jobs().assert_ran(super::welcome, 1);
    }
}

/// Nothing stands in the README that is not compiled and run here.
#[test]
fn the_readme_shows_this_product() {
    let (own, readme) = (include_str!("readme.rs"), include_str!("../../README.md"));
    let blocks: Vec<&str> =
        readme.split("```rust,no_run\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert_eq!(blocks.len(), 2, "the product and its test");
    for block in blocks {
        assert!(own.contains(block), "the README shows something else than this file:\n{block}");
    }
}
