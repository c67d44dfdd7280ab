//! `jobs` with an action: looking after the jobs in the queues.

use std::sync::Arc;
use std::time::Duration;

use athyper::command_line::{Invocation, execute};
use athyper::jobs::{ChildFailure, Claimed, Envelope, Finish, JobQueue, NewJob, Outcome, Parent, QueueName, Take};
use serde_json::json;

use crate::product::{self, Folder, app};
use crate::{call_in, json_of};

/// Enqueues so many greetings.
async fn enqueue(folder: &Folder, count: usize) -> Vec<String> {
    let mut ids = Vec::new();
    for number in 0..count {
        let payload = json!({ "name": format!("Ada {number}") }).to_string();
        ids.push(call_in(folder, &["enqueue", "greet", &payload]).await.stdout.trim().to_owned());
    }
    ids
}

/// Takes at most so many jobs, as a worker of another process would.
async fn take(folder: &Folder, max: usize) -> (Arc<dyn JobQueue>, Vec<Claimed>) {
    let queue = product::queue_of(folder).await;
    let take = Take {
        queue: QueueName::from("mail"),
        worker: "a test".to_owned(),
        max,
        lock_for: Duration::from_secs(30),
        wait: Duration::ZERO,
    };
    let claimed = queue.take(&take).await.unwrap();
    (queue, claimed)
}

/// Runs the first so many jobs.
async fn run(folder: &Folder, count: usize, outcome: impl Fn(usize) -> Outcome) {
    let (queue, claimed) = take(folder, count).await;
    assert_eq!(claimed.len(), count);
    let finishes = claimed.into_iter().enumerate();
    let finishes = finishes.map(|(index, claimed)| Finish { lock: claimed.lock, outcome: outcome(index) }).collect();
    queue.finish(finishes, None).await.unwrap();
}

fn fail(_index: usize) -> Outcome {
    Outcome::Fail { error: "the mailbox is full\nand was full before".to_owned() }
}

async fn ids_in(folder: &Folder, state: &str) -> Vec<String> {
    let listed = json_of(&call_in(folder, &["jobs", "list", "mail", "--state", state, "--json"]).await);
    listed.as_array().unwrap().iter().map(|job| job["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn jobs_are_counted_listed_and_shown() {
    let folder = Folder::new();
    let ids = enqueue(&folder, 3).await;
    run(&folder, 1, fail).await;

    let stats = json_of(&call_in(&folder, &["jobs", "stats", "--json"]).await);
    assert_eq!(
        (&stats[0]["queue"], &stats[0]["waiting"], &stats[0]["failed"], &stats[0]["paused"]),
        (&json!("mail"), &json!(2), &json!(1), &json!(false))
    );
    let text = call_in(&folder, &["jobs", "stats", "mail"]).await.stdout;
    let row: Vec<&str> = text.lines().nth(1).unwrap().split_whitespace().collect();
    assert_eq!(row[..8], ["mail", "2", "0", "0", "0", "0", "0", "1"], "{text}");

    let table = call_in(&folder, &["jobs", "list", "mail"]).await.stdout;
    assert_eq!(table.lines().count(), 4, "{table}");
    assert!(table.contains("the mailbox is full…") && !table.contains("before"), "{table}");
    let page = json_of(
        &call_in(&folder, &["jobs", "list", "mail", "--state", "waiting", "--offset", "1", "--limit", "5", "--json"])
            .await,
    );
    assert_eq!((page.as_array().unwrap().len(), &page[0]["id"]), (1, &json!(ids[2])));
    assert_eq!(ids_in(&folder, "waiting,failed").await.len(), 3);
    let none = call_in(&folder, &["jobs", "list", "mail", "--kind", "tidy"]).await;
    assert_eq!(none.stdout, "there are no such jobs\n");

    let job = json_of(&call_in(&folder, &["jobs", "show", "mail", &ids[0], "--json"]).await);
    assert_eq!((&job["state"], &job["attempts_made"], &job["attempts"]), (&json!("failed"), &json!(1), &json!(5)));
    assert_eq!(job["payload"], json!({ "name": "Ada 0" }));
    let sheet = call_in(&folder, &["jobs", "show", "mail", &ids[0]]).await.stdout;
    for expected in
        ["state       failed", "{\"name\":\"Ada 0\"}", "attempts    1/5 made, 1 taken", "and was full before"]
    {
        assert!(sheet.contains(expected), "{expected}\n{sheet}");
    }
}

#[tokio::test]
async fn what_stands_in_a_queue_steers_no_terminal() {
    let folder = Folder::new();
    let ids = enqueue(&folder, 1).await;
    let steering = "red \u{1b}[31m and \u{202e}back";
    run(&folder, 1, |_| Outcome::Fail { error: steering.to_owned() }).await;
    for arguments in [&["jobs", "list", "mail"][..], &["jobs", "show", "mail", &ids[0]]] {
        let text = call_in(&folder, arguments).await.stdout;
        assert!(text.contains("red \\u{1b}[31m and \\u{202e}back"), "{text}");
        assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text}");
    }
    let job = json_of(&call_in(&folder, &["jobs", "show", "mail", &ids[0], "--json"]).await);
    assert_eq!(job["error"], steering, "a script gets what stands there");
}

#[tokio::test]
async fn pages_of_any_size_can_be_asked_for() {
    let folder = Folder::new();
    enqueue(&folder, 2).await;
    for (offset, limit, expected) in [("0", "18446744073709551615", 2), ("18446744073709551615", "1", 0), ("0", "0", 0)]
    {
        let arguments = ["jobs", "list", "mail", "--offset", offset, "--limit", limit, "--json"];
        let page = json_of(&call_in(&folder, &arguments).await);
        assert_eq!(page.as_array().unwrap().len(), expected, "{offset} {limit}");
    }
}

#[tokio::test]
async fn failed_jobs_are_retried_by_id_or_all() {
    let folder = Folder::new();
    let ids = enqueue(&folder, 4).await;
    run(&folder, 4, fail).await;
    let one = call_in(&folder, &["jobs", "retry", "mail", &ids[2]]).await;
    assert_eq!((one.stdout.as_str(), one.exit_code), ("1 job retried\n", 0));
    assert_eq!(ids_in(&folder, "waiting").await, [ids[2].clone()]);

    let again = call_in(&folder, &["jobs", "retry", "mail", &ids[2], &ids[0], "nobody"]).await;
    assert_eq!((again.exit_code, again.stdout.as_str()), (64, ""));
    assert!(again.stderr.contains("1 retried") && again.stderr.contains("nobody"), "{}", again.stderr);

    let all = json_of(&call_in(&folder, &["jobs", "retry", "mail", "--all", "--json"]).await);
    assert_eq!(all, json!({ "retried": 2, "refused": 0 }));
    assert_eq!(ids_in(&folder, "waiting").await.len(), 4);
}

#[tokio::test]
async fn parked_and_delayed_jobs_are_promoted() {
    let folder = Folder::new();
    enqueue(&folder, 2).await;
    let hour = Duration::from_secs(3600);
    run(&folder, 2, |index| match index {
        0 => Outcome::Retry { error: "later".to_owned(), delay: hour },
        _ => Outcome::Park { reason: "nobody knows it".to_owned(), delay: hour },
    })
    .await;
    assert_eq!((ids_in(&folder, "delayed").await.len(), ids_in(&folder, "parked").await.len()), (1, 1));
    let output = call_in(&folder, &["jobs", "promote", "mail", "--all"]).await;
    assert_eq!(output.stdout, "2 jobs promoted\n", "{}", output.stderr);
    assert_eq!(ids_in(&folder, "waiting").await.len(), 2);
}

#[tokio::test]
async fn jobs_are_removed_purged_and_drained() {
    let folder = Folder::new();
    let ids = enqueue(&folder, 130).await;
    run(&folder, 120, |index| if index < 5 { fail(index) } else { Outcome::Complete("1".into()) }).await;
    let removed = call_in(&folder, &["jobs", "remove", "mail", &ids[129]]).await;
    assert_eq!(removed.stdout, "1 job removed\n");
    // They finished in what is the future of the product's clock.
    let young = call_in(&folder, &["jobs", "purge", "mail", "--state", "completed", "--older-than", "7d"]).await;
    assert_eq!(young.stdout, "0 jobs removed\n");
    let purged = call_in(&folder, &["jobs", "purge", "mail", "--state", "completed"]).await;
    assert_eq!(purged.stdout, "115 jobs removed\n", "{}", purged.stderr);
    assert_eq!(ids_in(&folder, "failed").await.len(), 5);
    let drained = call_in(&folder, &["jobs", "drain", "mail"]).await;
    assert_eq!(drained.stdout, "9 jobs removed\n");
    assert!(ids_in(&folder, "waiting,completed").await.is_empty());
    assert_eq!(ids_in(&folder, "failed").await.len(), 5, "what failed is not waiting");
}

#[tokio::test]
async fn a_paused_queue_hands_out_nothing() {
    let folder = Folder::new();
    enqueue(&folder, 1).await;
    assert_eq!(call_in(&folder, &["jobs", "pause", "mail"]).await.stdout, "queue `mail` is paused\n");
    assert!(call_in(&folder, &["jobs", "stats"]).await.stdout.contains("paused"));
    assert_eq!(take(&folder, 1).await.1.len(), 0);
    let resumed = json_of(&call_in(&folder, &["jobs", "resume", "mail", "--json"]).await);
    assert_eq!(resumed, json!({ "queue": "mail", "paused": false }));
    run(&folder, 1, fail).await;
}

#[tokio::test]
async fn the_limits_of_a_queue_are_shown_and_set() {
    let folder = Folder::new();
    enqueue(&folder, 3).await;
    assert_eq!(call_in(&folder, &["jobs", "limit", "mail"]).await.stdout, "queue `mail`: no limits\n");
    let set = call_in(&folder, &["jobs", "limit", "mail", "--total-concurrency", "2", "--tenant-rate", "10/1s"]).await;
    assert_eq!(set.stdout, "queue `mail`: total_concurrency = 2, tenant_rate = \"10/1s\"\n", "{}", set.stderr);
    assert_eq!(take(&folder, 3).await.1.len(), 2);
    let changed =
        call_in(&folder, &["jobs", "limit", "mail", "--total-concurrency", "none", "--rate", "5/1h", "--json"]).await;
    let wanted = json!({
        "queue": "mail", "total_concurrency": null, "rate": "5/1h", "tenant_concurrency": null, "tenant_rate": "10/1s",
        "declared": null,
    });
    assert_eq!(json_of(&changed), wanted);
}

/// Adds a parent `report` with the children `one` and `two`, of which the first has failed.
async fn add_flow(folder: &Folder) {
    let id = enqueue(folder, 1).await.remove(0);
    let queue = product::queue_of(folder).await;
    let model = queue.get(&"mail".into(), &id.as_str().into()).await.unwrap().unwrap();
    queue.remove(&"mail".into(), &id.as_str().into()).await.unwrap();
    let job = |id: &str, when_failed: Option<ChildFailure>| NewJob {
        envelope: Envelope { id: id.into(), ..model.envelope.clone() },
        due_at: model.due_at,
        unique: None,
        serial_key: None,
        parent: when_failed.map(|when_failed| Parent { queue: "mail".into(), id: "report".into(), when_failed }),
    };
    let flow = vec![job("report", None), job("one", Some(ChildFailure::Ignore)), job("two", Some(ChildFailure::Hold))];
    queue.add(flow).await.unwrap();
    run(folder, 1, fail).await;
}

#[tokio::test]
async fn parents_and_children_are_shown() {
    let folder = Folder::new();
    add_flow(&folder).await;
    assert_eq!(ids_in(&folder, "waiting-children").await, ["report"]);
    let stats = json_of(&call_in(&folder, &["jobs", "stats", "--json"]).await);
    assert_eq!((&stats[0]["waiting-children"], &stats[0]["delayed"]), (&json!(1), &json!(0)));
    let text = call_in(&folder, &["jobs", "show", "mail", "report"]).await.stdout;
    assert!(text.contains("state       waiting-children\n"), "{text}");
    assert!(text.contains("children    mail/one greet failed: the mailbox is full…\n"), "{text}");
    assert!(text.contains("            mail/two greet waiting\n"), "{text}");
    let told = json_of(&call_in(&folder, &["jobs", "show", "mail", "report", "--json"]).await);
    assert_eq!((&told["state"], &told["parent"]), (&json!("waiting-children"), &json!(null)));
    let child =
        json!({"queue": "mail", "id": "two", "job": "greet", "state": "waiting", "result": null, "error": null});
    assert_eq!(told["children"][1], child);
    let text = call_in(&folder, &["jobs", "show", "mail", "two"]).await.stdout;
    assert!(text.contains("parent      mail/report, when this fails: hold\n"), "{text}");
    let told = json_of(&call_in(&folder, &["jobs", "show", "mail", "two", "--json"]).await);
    assert_eq!(told["parent"], json!({"queue": "mail", "id": "report", "when_failed": "hold"}));
}

#[tokio::test]
async fn draining_spares_parents_until_they_are_let_go() {
    let folder = Folder::new();
    add_flow(&folder).await;
    let drained = call_in(&folder, &["jobs", "drain", "mail", "--delayed"]).await.stdout;
    assert_eq!(drained, "1 job removed\n");
    // The child that it waited for is gone.
    assert_eq!(ids_in(&folder, "waiting").await, ["report"]);
    let text = call_in(&folder, &["jobs", "show", "mail", "report"]).await.stdout;
    assert!(text.contains("mail/one greet failed") && !text.contains("mail/two"), "{text}");
}

#[tokio::test]
async fn a_job_is_cancelled_and_fails_with_that_reason() {
    let folder = Folder::new();
    enqueue(&folder, 2).await;
    let id = ids_in(&folder, "waiting").await.remove(0);
    let cancelled = call_in(&folder, &["jobs", "cancel", "mail", &id]).await;
    assert_eq!(cancelled.stdout, "1 job cancelled\n", "{}", cancelled.stderr);
    let shown = json_of(&call_in(&folder, &["jobs", "show", "mail", &id, "--json"]).await);
    assert_eq!(
        (&shown["state"], &shown["error"], &shown["checkpoint"]),
        (&json!("failed"), &json!("cancelled"), &json!(null))
    );
    let again = call_in(&folder, &["jobs", "cancel", "mail", &id]).await;
    assert_eq!(again.exit_code, 64, "{}", again.stdout);
    assert!(again.stderr.contains("only a job that has not ended can be cancelled"), "{}", again.stderr);
    assert_eq!(ids_in(&folder, "waiting").await.len(), 1);
}

#[tokio::test]
async fn what_a_job_logged_is_printed() {
    let folder = Folder::new();
    let id = enqueue(&folder, 1).await.remove(0);
    let (queue, claimed) = take(&folder, 1).await;
    for row in ["the first page", "the \u{1b}[31msecond"] {
        queue.append_log(&claimed[0].lock, row.to_owned()).await.unwrap();
    }
    let printed = call_in(&folder, &["jobs", "logs", "mail", &id]).await;
    let lines: Vec<&str> = printed.stdout.lines().collect();
    assert_eq!((lines[0], lines.len()), ("the first page", 2), "{}", printed.stderr);
    assert!(!lines[1].contains('\u{1b}'), "{}", printed.stdout);
    let rows = json_of(&call_in(&folder, &["jobs", "logs", "mail", &id, "--json"]).await);
    assert_eq!(rows, json!(["the first page", "the \u{1b}[31msecond"]));
    let missing = call_in(&folder, &["jobs", "logs", "mail", "nobody"]).await;
    assert!(missing.stderr.contains("queue `mail` has no job `nobody`"), "{}", missing.stderr);
}

#[tokio::test]
async fn what_does_not_exist_is_named() {
    let folder = Folder::new();
    for (arguments, expected) in [
        (&["jobs", "list", "mial"][..], "no queue is named `mial`; there are: mail"),
        (&["jobs", "pause", "mial"], "there are: mail"),
        (
            &["jobs", "limit", "mail", "--rate", "5"],
            "write how many jobs may start within which time, such as `100/1m`",
        ),
        (&["jobs", "limit", "mail", "--total-concurrency", "0"], "or `none`"),
        (&["jobs", "show", "mail", "nobody"], "queue `mail` has no job `nobody`"),
        (&["jobs", "retry", "mail"], "<IDS>"),
        (&["jobs", "retry", "mail", "a", "--all"], "cannot be used with"),
        (&["jobs", "list", "mail", "--state", "faild"], "failed"),
        (&["jobs", "purge", "mail", "--state", "failed", "--older-than", "soon"], "7d"),
    ] {
        let output = call_in(&folder, arguments).await;
        assert_eq!((output.exit_code, output.stdout.as_str()), (64, ""), "{arguments:?} {}", output.stderr);
        assert!(output.stderr.contains(expected), "{expected}\n{}", output.stderr);
    }
}

#[tokio::test]
async fn the_jobs_of_one_process_cannot_be_seen_from_another() {
    let mut invocation = Invocation::new(["jobs", "stats"]);
    invocation.environment = vec![("ATHYPER_PROFILE".to_owned(), "test".to_owned())];
    let output = execute(app, invocation).await;
    assert_eq!(output.exit_code, 78);
    assert!(output.stderr.contains("belongs to one process"), "{}", output.stderr);
}
