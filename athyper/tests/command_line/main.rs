//! The commands of a product's binary, on a small product and without a process.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod jobs;
mod product;

use std::sync::Arc;

use athyper::authentication::{Authenticator, StaticTokenAuthenticator};
use athyper::command_line::{Invocation, Output, execute};
use athyper::container::Provide;
use athyper::http::{Router, get};
use athyper::kernel::KernelBuilder;
use serde_json::{Value, json};

use product::{Folder, app};

async fn call(arguments: &[&str]) -> Output {
    execute(app, Invocation::new(arguments.iter().copied())).await
}

async fn call_in(folder: &Folder, arguments: &[&str]) -> Output {
    let url = format!("sqlite://{}", folder.path().join("data/app.db").display());
    let mut invocation = Invocation::new(arguments.iter().copied());
    invocation.environment = vec![("DATABASE_URL".to_owned(), url)];
    invocation.directory = Some(folder.path().to_owned());
    execute(app, invocation).await
}

#[track_caller]
fn json_of(output: &Output) -> Value {
    assert_eq!((output.exit_code, output.stderr.as_str()), (0, ""));
    serde_json::from_str(&output.stdout).expect("the output is JSON")
}

fn lines(output: &Output) -> Vec<Vec<&str>> {
    output.stdout.lines().map(|line| line.split_whitespace().collect()).collect()
}

#[tokio::test]
async fn help_is_not_an_error_and_a_wrong_use_is_64() {
    let help = call(&["--help"]).await;
    assert_eq!((help.exit_code, help.stderr.as_str()), (0, ""));
    for command in ["run", "check", "routes", "jobs", "schedules", "graph", "config", "enqueue", "migrate"] {
        assert!(help.stdout.contains(command), "{}", help.stdout);
    }
    for wrong in [&["chekc"][..], &["check", "--conect"], &["enqueue"], &["graph", "--format", "svg"], &["run", "x"]] {
        let output = call(wrong).await;
        assert_eq!((output.exit_code, output.stdout.as_str()), (64, ""), "{wrong:?}");
        assert!(output.stderr.contains("error:"), "{}", output.stderr);
    }
    assert!(call(&["chekc"]).await.stderr.contains("check"), "the nearest command is named");
}

#[tokio::test]
async fn check_is_offline_and_says_what_there_is() {
    let folder = Folder::new();
    let output = call_in(&folder, &["check"]).await;
    assert_eq!((output.exit_code, output.stderr.as_str()), (0, ""));
    assert!(
        output.stdout.starts_with("profile dev, mode all\n2 routes, 2 jobs in 1 queues, 1 schedules, "),
        "{}",
        output.stdout
    );
    assert!(output.stdout.contains("not tried: --connect") && output.stdout.ends_with("everything fits\n"));
    assert!(!folder.path().join("data").exists(), "nothing was opened");
}

#[tokio::test]
async fn check_connect_tries_every_store() {
    let folder = Folder::new();
    let report = json_of(&call_in(&folder, &["check", "--connect", "--json"]).await);
    assert_eq!((&report["ok"], &report["transactional_jobs"]), (&json!(true), &json!(true)));
    let stores = report["stores"].as_array().unwrap();
    assert_eq!(stores.iter().map(|store| &store["store"]).collect::<Vec<_>>(), ["database", "jobs", "leases"]);
    assert!(stores.iter().all(|store| store["answers"] == true && store["volatile"] == false));
    assert_eq!(stores[1]["origin"], "database.url, variable DATABASE_URL");

    // A folder stands where the file should be.
    let broken = Folder::new();
    std::fs::create_dir_all(broken.path().join("data/app.db")).unwrap();
    let output = call_in(&broken, &["check", "--connect"]).await;
    assert_ne!(output.exit_code, 0);
    assert!(output.stderr.contains("ATH-STORE-OPEN") && output.stderr.contains("database.url"), "{}", output.stderr);
    assert!(!output.stdout.contains("everything fits"), "{}", output.stdout);
    let output = call_in(&broken, &["check", "--connect", "--json"]).await;
    assert_ne!(output.exit_code, 0);
    let report: Value = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!((&report["ok"], &report["problems"][0]["code"]), (&json!(false), &json!("ATH-STORE-OPEN")));
}

#[tokio::test]
async fn check_says_what_is_lost_on_exit() {
    let mut invocation = Invocation::new(["check", "--connect"]);
    invocation.environment = vec![("ATHYPER_PROFILE".to_owned(), "test".to_owned())];
    let output = execute(app, invocation).await;
    assert_eq!((output.exit_code, output.stderr.as_str()), (0, ""));
    assert_eq!(output.stdout.matches("nothing: lost on exit").count(), 3, "{}", output.stdout);
}

#[tokio::test]
async fn every_command_refuses_a_product_that_cannot_start() {
    let missing = |kernel: KernelBuilder| app(kernel).set("http.prot", 1);
    for arguments in [&["check"][..], &["routes"], &["run"], &[], &["enqueue", "greet", "{}"], &["migrate"]] {
        let output = execute(missing, Invocation::new(arguments.iter().copied())).await;
        assert_eq!((output.exit_code, output.stdout.as_str()), (78, ""), "{arguments:?}");
        assert!(output.stderr.starts_with("athyper: the kernel cannot start: 1 problem\n"), "{}", output.stderr);
        assert!(output.stderr.contains("did you mean `http.port`?"), "{}", output.stderr);
    }
    let output = execute(missing, Invocation::new(["check", "--json"])).await;
    let report: Value = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!((output.exit_code, &report["ok"]), (78, &json!(false)));
    assert_eq!(report["problems"][0]["code"], "ATH-CONFIG-UNKNOWN");
    assert_eq!(report["problems"][0]["fix"], "did you mean `http.port`?");
}

#[tokio::test]
async fn a_product_that_is_wired_wrongly_ends_with_70() {
    let output = execute(
        |kernel: KernelBuilder| kernel.without_inventory().component::<product::Greeter>(),
        Invocation::new(["check"]),
    )
    .await;
    assert_eq!(output.exit_code, 70);
    assert!(output.stderr.contains("nothing provides `dyn Phrase`"), "{}", output.stderr);
}

#[tokio::test]
async fn routes_are_listed_with_what_every_request_passes() {
    let output = call(&["routes"]).await;
    let lines = lines(&output);
    assert_eq!(lines[0], ["METHOD", "PATH", "HANDLER", "IDENTITY", "PLACE"]);
    let place = lines[1].last().unwrap();
    assert_eq!((lines[1][0], lines[1][1]), ("GET", "/hello"));
    assert!(place.contains("tests/command_line/product.rs:"), "{place}");
    assert!(
        output.stdout.contains("every request passes: record > correlation > security-headers"),
        "{}",
        output.stdout
    );

    let report = json_of(&call(&["routes", "--json"]).await);
    assert_eq!(report["routes"][1]["path"], "/hello/{name}");
    assert_eq!(report["routes"][1]["method"], "POST");
    assert_eq!((&report["unlisted"], &report["middleware"][0]), (&json!(false), &json!("record")));

    let plain = |kernel: KernelBuilder| kernel.without_inventory().routes(axum_like());
    let output = execute(plain, Invocation::new(["routes"])).await;
    assert!(output.stdout.contains("/listed"), "{}", output.stdout);
    let none = execute(|kernel: KernelBuilder| kernel.without_inventory(), Invocation::new(["routes"])).await;
    assert!(none.stdout.starts_with("the product has no routes\n"), "{}", none.stdout);
}

fn axum_like() -> Router {
    Router::new().route("/listed", get(|| async { "listed" }))
}

#[tokio::test]
async fn jobs_are_listed_as_they_run() {
    let output = call(&["jobs"]).await;
    let greet = output.stdout.lines().find(|line| line.starts_with("greet ")).unwrap();
    for expected in ["mail", " 4 ", " 5 ", "exponential 1s max 1h", "1m 30s", "product.rs:"] {
        assert!(greet.contains(expected), "{expected}\n{}", output.stdout);
    }
    let jobs = json_of(&call(&["jobs", "--json"]).await);
    assert_eq!(jobs[0]["name"], "greet");
    assert_eq!((&jobs[0]["concurrency"], &jobs[0]["timeout_seconds"]), (&json!(4), &json!(90.0)));
    assert_eq!((&jobs[1]["name"], &jobs[1]["queue"]), (&json!("tidy"), &json!("mail")));
    let none = execute(|kernel: KernelBuilder| kernel.without_inventory(), Invocation::new(["jobs"])).await;
    assert_eq!(none.stdout, "the product has no jobs\n");
}

#[tokio::test]
async fn schedules_are_listed_with_their_next_tick() {
    let output = call(&["schedules"]).await;
    let lines = lines(&output);
    assert_eq!(lines[1][0], "tidy-up");
    assert!(output.stdout.contains("Europe/Berlin") && output.stdout.contains("product.rs:"), "{}", output.stdout);
    let schedules = json_of(&call(&["schedules", "--json"]).await);
    let next = schedules[0]["next"].as_str().unwrap();
    // The clock of the product stands at 2026-03-28T22:59:00Z; midnight in Berlin is an hour earlier in UTC.
    assert_eq!(next, "2026-03-28T23:00:00+00:00");
    assert_eq!((&schedules[0]["missed"], &schedules[0]["overlap"]), (&json!("all"), &json!("skip")));
}

#[tokio::test]
async fn the_graph_is_drawn_in_either_language() {
    let mermaid = call(&["graph"]).await;
    assert!(mermaid.stdout.starts_with("flowchart LR\n") && mermaid.stdout.contains("Greeter"), "{}", mermaid.stdout);
    let dot = call(&["graph", "--format", "dot"]).await;
    assert!(dot.stdout.starts_with("digraph components {\n") && dot.stdout.contains("Greeter"), "{}", dot.stdout);
}

#[tokio::test]
async fn the_graph_is_listed_for_programs() {
    let graph = json_of(&call(&["graph", "--json"]).await);
    let components = graph["components"].as_array().unwrap();
    let greeter = components.iter().find(|component| component["label"].as_str().unwrap().contains("Greeter")).unwrap();
    assert_eq!((&greeter["scope"], &greeter["wants"][0]["mode"]), (&json!("singleton"), &json!("required")));
    assert!(greeter["place"].as_str().unwrap().contains("tests/command_line/product.rs:"), "{greeter}");
    assert!(!graph["roots"].as_array().unwrap().is_empty());
    assert_eq!(call(&["graph", "--json", "--format", "dot"]).await.exit_code, 64);
}

#[tokio::test]
async fn config_shows_values_and_where_they_came_from() {
    let folder = Folder::new();
    std::fs::write(folder.path().join("athyper.toml"), "[greeting]\nkey = \"hunter2\"\n").unwrap();
    let output = call_in(&folder, &["config"]).await;
    let row = |key: &str| output.stdout.lines().find(|line| line.split_whitespace().next() == Some(key)).unwrap();
    assert!(row("greeting.key").contains("[secret]") && row("greeting.key").ends_with("athyper.toml:2"));
    assert!(row("database.url").ends_with("variable DATABASE_URL"));
    assert!(row("http.port").ends_with("default"));
    assert!(!output.stdout.contains("hunter2"));
    let values = json_of(&call_in(&folder, &["config", "--json"]).await);
    let port = values.as_array().unwrap().iter().find(|value| value["key"] == "http.port").unwrap();
    assert_eq!((&port["value"], &port["origin"]), (&json!("3000"), &json!("default")));
}

#[tokio::test]
async fn migrate_says_what_it_did_and_then_has_nothing_to_do() {
    let folder = Folder::new();
    let first = call_in(&folder, &["migrate"]).await;
    assert_eq!((first.exit_code, first.stderr.as_str()), (0, ""));
    assert!(
        first.stdout.contains("greetings") && first.stdout.ends_with("1 migration was applied\n"),
        "{}",
        first.stdout
    );
    let second = call_in(&folder, &["migrate"]).await;
    assert!(second.stdout.contains("greetings") && second.stdout.ends_with("nothing to do\n"), "{}", second.stdout);
    let report = json_of(&call_in(&folder, &["migrate", "--json"]).await);
    assert_eq!((&report["applied"], &report["all"][0]["name"]), (&json!([]), &json!("greetings")));
}

#[tokio::test]
async fn enqueue_adds_a_job_that_another_process_finds() {
    let folder = Folder::new();
    let output = call_in(&folder, &["enqueue", "greet", "{\"name\": \"Ada\"}"]).await;
    assert_eq!((output.exit_code, output.stderr.as_str()), (0, ""));
    let id = output.stdout.trim().to_owned();
    let payload = product::payload_of(&folder, &id).await;
    assert_eq!(serde_json::from_slice::<Value>(&payload).unwrap(), json!({ "name": "Ada" }));
    let report = json_of(&call_in(&folder, &["enqueue", "mail/greet", "{\"name\": \"Bob\"}", "--json"]).await);
    assert_eq!(report["duplicate"], false);
    assert_ne!(report["id"], json!(id));
}

#[tokio::test]
async fn enqueue_refuses_what_no_handler_could_run() {
    let folder = Folder::new();
    for (name, payload, expected) in [
        ("gret", "{}", "did you mean `greet`?"),
        ("greet", "{\"nam\": 1}", "name"),
        ("greet", "{", "ATH-USAGE"),
        ("other/greet", "{}", "no job is named `other/greet`"),
    ] {
        let output = call_in(&folder, &["enqueue", name, payload]).await;
        assert_eq!((output.exit_code, output.stdout.as_str()), (64, ""), "{name} {payload}");
        assert!(output.stderr.contains(expected), "{expected}\n{}", output.stderr);
    }
}

#[tokio::test]
async fn enqueue_does_not_put_a_job_where_nobody_finds_it() {
    let mut invocation = Invocation::new(["enqueue", "greet", "{\"name\": \"Ada\"}"]);
    invocation.environment = vec![("ATHYPER_PROFILE".to_owned(), "test".to_owned())];
    let output = execute(app, invocation).await;
    assert_eq!(output.exit_code, 78);
    assert!(output.stderr.contains("belongs to one process"), "{}", output.stderr);
}

#[tokio::test]
async fn prod_refuses_tokens_that_are_written_down() {
    let authenticator = || -> Arc<dyn Authenticator> { Arc::new(StaticTokenAuthenticator::new()) };
    let given = |kernel: KernelBuilder| app(kernel).provide_dyn::<dyn Authenticator>(authenticator());
    let folder = Folder::new();
    let mut invocation = Invocation::new(["check"]);
    let url = format!("sqlite://{}", folder.path().join("app.db").display());
    invocation.environment = [("ATHYPER_PROFILE", "prod"), ("MODE", "all"), ("DATABASE_URL", &url)]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec();
    let output = execute(given, invocation.clone()).await;
    assert_eq!(output.exit_code, 78);
    assert!(output.stderr.contains("profile prod refuses this authenticator"), "{}", output.stderr);
    assert!(output.stderr.contains("tests/command_line/main.rs:"), "{}", output.stderr);

    // One that is built shows what it is when the product starts.
    invocation.arguments = vec!["run".to_owned()];
    let built = |kernel: KernelBuilder| {
        app(kernel)
            .provider(Provide::<dyn Authenticator>::factory(move |_| Box::pin(async move { Ok(authenticator()) })))
    };
    let output = execute(built, invocation.clone()).await;
    assert_eq!(output.exit_code, 78);
    assert!(output.stderr.contains("profile prod refuses this authenticator"), "{}", output.stderr);

    invocation.arguments = vec!["check".to_owned()];
    assert_eq!(execute(app, invocation.clone()).await.exit_code, 0);
    invocation.environment[0].1 = "dev".to_owned();
    assert_eq!(execute(given, invocation).await.exit_code, 0);
}
