//! A Node process that does with BullMQ what it is asked to.

use std::collections::HashMap;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};

use athyper_testkit::services::RedisServer;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::oneshot;

use super::tools;
use crate::support::within_a_minute;

type Waiting = Arc<Mutex<HashMap<u64, oneshot::Sender<Value>>>>;

/// The process. It is killed when this is dropped.
pub(super) struct Session {
    process: Child,
    input: tokio::sync::Mutex<(u64, ChildStdin)>,
    waiting: Waiting,
}

/// Node with a script of ours, which finds BullMQ.
pub(super) fn node(script: &str) -> Command {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/redis/bullmq").join(script);
    let mut command = Command::new(tools().join("bin/node"));
    command.env("BULLMQ_HOME", tools().join("node")).arg(script).kill_on_drop(true);
    command
}

impl Session {
    pub(super) fn start(server: &RedisServer) -> Self {
        Self::start_version(server, "bullmq")
    }

    /// With another version of BullMQ, by the name under which `scripts/tools` has installed it.
    pub(super) fn start_version(server: &RedisServer, bullmq: &str) -> Self {
        let mut command = node("session.mjs");
        command.env("BULLMQ_NAME", bullmq).arg(server.url()).arg("email");
        Self::of(command)
    }

    /// Of any script of ours that answers requests.
    pub(super) fn of(mut command: Command) -> Self {
        let mut process =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("scripts/tools installs Node");
        let waiting = Waiting::default();
        let (input, output) = (process.stdin.take().unwrap(), process.stdout.take().unwrap());
        let asked = waiting.clone();
        tokio::spawn(async move {
            let mut lines = BufReader::new(output).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                let told: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
                let asked =
                    asked.lock().unwrap_or_else(PoisonError::into_inner).remove(&told["number"].as_u64().unwrap());
                // Whoever asked may have given up.
                let _gone = asked.map(|asked| asked.send(told));
            }
            // Nobody is answered any more.
            asked.lock().unwrap_or_else(PoisonError::into_inner).clear();
        });
        Self { process, input: tokio::sync::Mutex::new((0, input)), waiting }
    }

    /// Asks for something; it is under way once this returns.
    pub(super) async fn begin(&self, prefix: &str, command: &str, mut request: Value) -> oneshot::Receiver<Value> {
        let (answer, told) = oneshot::channel();
        let mut input = self.input.lock().await;
        input.0 += 1;
        for (name, value) in [("number", json!(input.0)), ("command", json!(command)), ("prefix", json!(prefix))] {
            request[name] = value;
        }
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).insert(input.0, answer);
        input.1.write_all(format!("{request}\n").as_bytes()).await.expect("Node runs");
        told
    }

    /// What it answers.
    pub(super) async fn ask(&self, prefix: &str, command: &str, request: Value) -> Value {
        let shown = request.to_string();
        let told = self.begin(prefix, command, request).await;
        answer(&format!("{command} {shown}"), told).await
    }

    /// Kills it without warning.
    pub(super) async fn kill(&mut self) {
        self.process.kill().await.unwrap();
    }
}

/// The answer to what was begun.
pub(super) async fn answer(what: &str, told: oneshot::Receiver<Value>) -> Value {
    let mut told = within_a_minute(told).await.unwrap_or_else(|_| panic!("Node ended before it answered {what}"));
    if let Some(failure) = told.get("failure").and_then(Value::as_str) {
        panic!("{what}: {failure}");
    }
    told["answer"].take()
}
