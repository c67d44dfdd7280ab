//! Bull Board on a queue of ours, clicked through in a real browser.

use std::path::Path;
use std::time::Duration;

use athyper::jobs::{JobState, Outcome};
use athyper_testkit::services::RedisServer;
use serde_json::json;

use super::scenario::{Cell, Side};
use super::session::{Session, node};
use super::tools;
use crate::support::{done, outcome_of, queue, take, take_now, within_a_minute};

/// Bull Board, and a browser that shows it.
fn open_board(cell: &Cell<'_>) -> Session {
    let mut command = node("board.mjs");
    command.env("BROWSER", tools().join("bin/chromium")).arg(cell.server.url()).arg(&cell.prefix).arg("email");
    Session::of(command)
}

/// Waits until a job stands where it should: a page answers a click before the queue does.
async fn until(cell: &Cell<'_>, id: &str, state: JobState) {
    within_a_minute(async { while cell.record(id).await.state != state {} }).await;
}

#[tokio::test]
async fn bull_board_shows_a_queue_of_ours_and_acts_on_it() {
    let session = Session::start(RedisServer::shared());
    let cell = Cell::new(Side::Ours, Side::Ours, &session).await;
    // A worker of ours that waits is one.
    let waits = async || cell.queue.take(&take(1, Duration::from_millis(50))).await.unwrap();
    within_a_minute(async { while waits().await.is_empty() && cell.call("getWorkersCount", json!([])).await != 1 {} })
        .await;
    cell.add(json!([
        ["sendWelcome", {"to": "ada@example.org"}, {"jobId": "welcome-1"}],
        ["sendWelcome", {"to": "grace@example.org"}, {"jobId": "welcome-2", "attempts": 1}],
        ["sendReminder", {"to": "ada@example.org"}, {"jobId": "reminder-1", "delay": 3_600_000}],
        ["sendReminder", {"to": "grace@example.org"}, {"jobId": "reminder-2", "delay": 7_200_000}],
    ]))
    .await;
    let held = take_now(&cell.queue, 2).await;
    let failed = Outcome::Fail { error: "550 no such mailbox".to_owned() };
    cell.queue.finish(vec![outcome_of(&held[0], done()), outcome_of(&held[1], failed)], None).await.unwrap();

    let board = open_board(&cell);
    let shown =
        async |state: &str, count: u64| board.ask(&cell.prefix, "open", json!({"state": state, "count": count})).await;
    let press = async |id: &str, label: &str| {
        board.ask(&cell.prefix, "press", json!({"id": id, "label": label})).await;
    };
    let choose = async |label: &str| {
        board.ask(&cell.prefix, "choose", json!({"label": label})).await;
    };
    assert_eq!(shown("completed", 1).await, json!(["welcome-1"]));
    assert_eq!(shown("delayed", 2).await, json!(["reminder-2", "reminder-1"]));
    press("reminder-2", "Promote").await;
    until(&cell, "reminder-2", JobState::Waiting).await;

    assert_eq!(shown("failed", 1).await, json!(["welcome-2"]));
    let text = board.ask(&cell.prefix, "text", json!({})).await;
    assert!(text.as_str().unwrap().contains("550 no such mailbox"), "{text}");
    assert!(!text.as_str().unwrap().contains("No workers"), "{text}");
    let picture = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bull-board.png");
    board.ask(&cell.prefix, "photograph", json!({"path": picture})).await;
    assert!(picture.metadata().is_ok_and(|picture| picture.len() > 10_000));
    press("welcome-2", "Retry").await;
    until(&cell, "welcome-2", JobState::Waiting).await;

    choose("Pause").await;
    within_a_minute(async { while !cell.queue.is_paused(&queue()).await.unwrap() {} }).await;
    assert!(take_now(&cell.queue, 9).await.is_empty());
    choose("Resume").await;
    within_a_minute(async { while cell.queue.is_paused(&queue()).await.unwrap() {} }).await;

    // What was promoted and what is tried again runs here.
    let mut ran = cell.work(2).await;
    ran.sort_unstable();
    assert_eq!(ran, ["reminder-2", "welcome-2"]);
    assert_eq!(cell.record("welcome-2").await.attempts_made, 2);
    assert_eq!(shown("completed", 3).await.as_array().unwrap().len(), 3);
}
