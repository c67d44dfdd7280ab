//! The product, driven as a test of its own would: virtual clock, embedded stores, no socket.

use std::sync::{Arc, Mutex};

use athyper::prelude::*;
use athyper_testkit::TestApp;
use quickstart::{Mailer, Welcome, daily_report};
use serde_json::{Value, json};

#[derive(Debug, Default)]
struct RecordingMailer(Mutex<Vec<String>>);

#[port]
impl Mailer for RecordingMailer {
    async fn send(&self, _: &str, to: &str, _: &str) -> Result<()> {
        self.0.lock().expect("no test panics while it holds the lock").push(to.to_owned());
        Ok(())
    }
}

#[athyper_testkit::test(quickstart::app)]
async fn a_registered_user_is_welcomed(app: TestApp) {
    let mails: Arc<RecordingMailer> = app.replace::<dyn Mailer>().with(RecordingMailer::default());
    app.post("/users").json(&json!({"email": "a@example.org"})).await.assert_status(201);
    app.jobs().assert_enqueued::<Welcome>(|job| job.to == "a@example.org").await;
    app.jobs().run_until_idle().await;
    assert_eq!(*mails.0.lock().expect("not poisoned"), ["a@example.org"]);
}

#[athyper_testkit::test(quickstart::app)]
async fn a_refused_sign_up_welcomes_nobody(app: TestApp) {
    app.post("/users").json(&json!({"email": "a@example.org"})).await.assert_status(201);
    app.jobs().run_until_idle().await;
    let refused = app.post("/users").json(&json!({"email": "a@example.org"})).await;
    refused.assert_status(409);
    assert_eq!(refused.json::<Value>()["code"], "user-taken");
    app.jobs().assert_none_enqueued::<Welcome>().await;
    app.post("/users").json(&json!({"email": "nonsense"})).await.assert_status(422);
}

#[athyper_testkit::test(quickstart::app)]
async fn the_effect_is_visible_over_http(app: TestApp) {
    app.post("/users").json(&json!({"email": "b@example.org"})).await.assert_status(201);
    app.jobs().run_until_idle().await;
    let mails = app.get("/mails").await.json::<Value>();
    assert_eq!(mails[0]["recipient"], "b@example.org");
}

#[athyper_testkit::test(quickstart::app)]
async fn the_report_runs_at_midnight_in_berlin(app: TestApp) {
    app.clock().set("2026-03-28T22:59:00Z");
    app.clock().advance_minutes(2).await;
    app.jobs().assert_ran(daily_report, 1);
}

#[test]
fn the_graph_is_sound() {
    athyper_testkit::check_graph(quickstart::app).expect("every component is provided");
}
