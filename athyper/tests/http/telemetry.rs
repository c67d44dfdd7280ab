//! The log of a process: lines of text and JSON, without secrets.

use std::sync::Arc;

use athyper::clock::Clock;
use athyper::context::{Context, in_context};
use athyper::telemetry::{LineFormat, Log, LogOptions, LogTarget};
use serde_json::{Value, json};

use crate::support::clock;

fn logged(format: LineFormat, filter: &str, log: impl FnOnce()) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deeper/log");
    let options = LogOptions { filter: filter.to_owned(), format, target: LogTarget::File(path.clone()) };
    let clock = clock();
    clock.set("2026-11-23T07:45:12.5Z");
    let clock: Arc<dyn Clock> = clock;
    let (subscriber, guard) = Log::subscriber(&options, clock).unwrap();
    tracing::subscriber::with_default(subscriber, log);
    drop(guard);
    std::fs::read_to_string(path).unwrap()
}

fn json_lines(log: impl FnOnce()) -> Vec<Value> {
    logged(LineFormat::Json, "info", log).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_line_is_one_json_object() {
    let lines = json_lines(|| {
        tracing::info!(count = 3, ratio = 0.5, nan = f64::NAN, name = "a \"b\"\n", done = true, "it {}", "works");
        tracing::debug!("not asked for");
    });
    assert_eq!(
        lines,
        [json!({
            "timestamp": "2026-11-23T07:45:12.500000Z", "level": "INFO", "target": "http::telemetry", "message": "it works",
            "count": 3, "ratio": 0.5, "nan": "NaN", "name": "a \"b\"\n", "done": true,
        })]
    );
}

#[test]
fn a_line_of_text_is_for_people() {
    let text = logged(LineFormat::Text, "info", || {
        tracing::warn!(path = "/a", note = "two words", "slow\nINFO forged");
    });
    assert_eq!(
        text,
        "2026-11-23T07:45:12.500000Z  WARN http::telemetry: slow\\nINFO forged path=/a note=\"two words\"\n"
    );
}

#[test]
fn secrets_are_hidden_by_name_and_by_form() {
    for format in [LineFormat::Json, LineFormat::Text] {
        let text = logged(format, "info", || {
            let span = tracing::info_span!("work", api_key = "canary-1", url = "postgres://user:canary-2@db/x");
            let _entered = span.enter();
            tracing::info!(
                authorization = "Bearer canary-3",
                cookie = "a=canary-4",
                access_token = "canary-5",
                Password = 424_242,
                dsn = "host=db password=canary-6",
                error = ?std::io::Error::other("cannot reach redis://:canary-7@cache:6379"),
                "connecting to amqp://u:canary-8@mq"
            );
        });
        assert!(!text.contains("canary") && !text.contains("424242"), "{text}");
        assert!(text.contains("[secret]") && text.contains("cache:6379"), "{text}");
    }
}

#[test]
fn a_line_says_which_request_it_belongs_to_and_in_which_span() {
    let context = Context::background().with_tenant("acme");
    let id = context.request_id().to_owned();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let lines = json_lines(|| {
        runtime.block_on(in_context(context, async {
            let span = tracing::info_span!("import", rows = 7, file = tracing::field::Empty);
            let _entered = span.enter();
            span.record("file", "a.csv");
            tracing::info!("inside");
            tracing::info!(request_id = "own", "its own");
        }));
        tracing::info!("outside");
    });
    assert_eq!((&lines[0]["request_id"], &lines[0]["tenant"]), (&json!(id), &json!("acme")));
    assert_eq!(
        (&lines[0]["span"], &lines[0]["rows"], &lines[0]["file"]),
        (&json!("import"), &json!(7), &json!("a.csv"))
    );
    assert_eq!(lines[1]["request_id"], "own");
    assert_eq!(lines[2].get("request_id"), None);
}

#[test]
fn what_is_logged_can_be_chosen_by_module() {
    let text = logged(LineFormat::Text, "warn,http::telemetry=debug", || {
        tracing::debug!("shown");
        tracing::info!(target: "elsewhere", "hidden");
    });
    assert!(text.contains("shown") && !text.contains("hidden"));
}

#[test]
fn a_log_that_cannot_be_is_an_error_that_says_why() {
    let with = |filter: &str, path: &str| {
        let options =
            LogOptions { filter: filter.to_owned(), target: LogTarget::File(path.into()), ..LogOptions::default() };
        let clock: Arc<dyn Clock> = clock();
        Log::subscriber(&options, clock).err().unwrap()
    };
    assert_eq!(with("info,=x=y", "/tmp/x").code(), "ATH-LOG-FILTER");
    let error = with("info", "/proc/nowhere/log");
    assert!(error.code() == "ATH-LOG-FILE" && error.message().contains("/proc/nowhere/log"), "{error}");
}
