//! The text of the metrics, read by a small parser of its rules and by Prometheus's own tool.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use athyper::http::middleware::{MiddlewareStack, StackOptions};
use athyper::metrics::{Buckets, MetricsRegistry};
use axum::Router;
use axum::routing::get;

use crate::support::{ask, clock, get as request, registry};

/// A registry with one of everything, after some requests.
async fn used() -> MetricsRegistry {
    let registry = registry();
    let options = StackOptions::new(clock(), registry.clone());
    let service = MiddlewareStack::standard(options).unwrap().apply(Router::new().route("/{id}", get(async || "ok")));
    for path in ["/1", "/2", "/a/b"] {
        ask(service.clone(), request(path)).await;
    }
    let texts = ["plain", "", "a\"b", "a\\b", "a\nb", "ünï", "{}=,"];
    let mails =
        registry.counter("mails_sent_total", "Mails sent, with \\ and\nlines.", ["template", "server"]).unwrap();
    let depth = registry.gauge("queue_depth", "Jobs that wait.", ["queue"]).unwrap();
    let wait = registry.histogram("queue_wait_seconds", "Time in the queue.", ["queue"], Buckets::seconds()).unwrap();
    let size = registry.histogram("mail_size_bytes", "Size of mails.", [], Buckets::bytes()).unwrap();
    let render = registry.summary("render_time_seconds", "Time to render.", ["queue"]).unwrap();
    registry.summary("unused_time_seconds", "Nothing yet.", []).unwrap();
    for (number, text) in texts.into_iter().enumerate() {
        let number = f64::from(u32::try_from(number).unwrap());
        mails.with([text, "a"]).add(3);
        depth.with([text]).set(number - 3.5);
        wait.with([text]).observe(number / 10.0);
        size.with([]).observe(number * 1e6);
        render.with([text]).observe(number);
    }
    depth.with(["infinite"]).set(f64::INFINITY);
    depth.with(["none"]).set(f64::NAN);
    registry
}

struct Sample {
    name: String,
    labels: BTreeMap<String, String>,
    value: f64,
}

/// A sample line, by the grammar of the exposition format.
fn sample(line: &str) -> Sample {
    let end = line.find(['{', ' ']).unwrap_or_else(|| panic!("{line}"));
    let mut labels = BTreeMap::new();
    let mut rest = &line[end..];
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside;
        while !rest.starts_with('}') {
            let (label, after) = rest.split_once("=\"").unwrap_or_else(|| panic!("{line}"));
            let mut value = String::new();
            let mut characters = after.char_indices();
            let close = loop {
                match characters.next().unwrap_or_else(|| panic!("{line}")) {
                    (index, '"') => break index,
                    (_, '\\') => value.push(match characters.next().unwrap().1 {
                        'n' => '\n',
                        escaped @ ('"' | '\\') => escaped,
                        other => panic!("\\{other} in {line}"),
                    }),
                    (_, '\n') => panic!("{line}"),
                    (_, other) => value.push(other),
                }
            };
            assert!(labels.insert(label.to_owned(), value).is_none(), "{line}");
            rest = &after[close + 1..];
            rest = rest.strip_prefix(',').unwrap_or(rest);
        }
        rest = &rest[1..];
    }
    let value = rest.trim();
    let value = match value {
        "+Inf" => f64::INFINITY,
        "-Inf" => f64::NEG_INFINITY,
        "NaN" => f64::NAN,
        number => number.parse().unwrap_or_else(|_| panic!("{line}")),
    };
    Sample { name: line[..end].to_owned(), labels, value }
}

#[tokio::test]
async fn the_text_keeps_the_rules_of_the_format() {
    let text = used().await.to_prometheus();
    assert!(text.ends_with('\n'));
    let (mut seen, mut names) = (BTreeSet::new(), BTreeSet::new());
    let (mut family, mut kind) = (String::new(), String::new());
    let mut buckets: BTreeMap<String, (f64, f64)> = BTreeMap::new();
    for line in text.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            family = help.split_once(' ').unwrap().0.to_owned();
            assert!(names.insert(family.clone()), "{family} is there twice");
        } else if let Some(of) = line.strip_prefix("# TYPE ") {
            let (name, of) = of.split_once(' ').unwrap();
            assert_eq!(name, family);
            kind = of.to_owned();
        } else {
            let sample = sample(line);
            assert!(seen.insert((sample.name.clone(), sample.labels.clone())), "{line} is there twice");
            let suffix = sample.name.strip_prefix(&family).unwrap_or_else(|| panic!("{line} outside of its family"));
            let allowed: &[&str] = match kind.as_str() {
                "histogram" => &["_bucket", "_sum", "_count"],
                "summary" => &["", "_sum", "_count"],
                _ => &[""],
            };
            assert!(allowed.contains(&suffix), "{line}");
            let series = |labels: &BTreeMap<String, String>| {
                let own: Vec<_> = labels.iter().filter(|(label, _)| *label != "le").collect();
                format!("{family}{own:?}")
            };
            if suffix == "_bucket" {
                let bound = sample.labels["le"].replace("+Inf", "inf").parse::<f64>().unwrap();
                let last = buckets.insert(series(&sample.labels), (bound, sample.value));
                assert!(last.is_none_or(|(below, count)| below < bound && count <= sample.value), "{line}");
            } else if kind == "histogram" && suffix == "_count" {
                assert_eq!(buckets[&series(&sample.labels)], (f64::INFINITY, sample.value), "{line}");
            }
        }
    }
    assert!(names.len() >= 9, "{names:?}");
    assert!(seen.iter().any(|(_, labels)| labels.values().any(|value| value == "a\nb")));
}

fn promtool() -> Option<PathBuf> {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&folders).map(|folder| folder.join("promtool")).find(|path| path.is_file());
    assert!(
        found.is_some() || std::env::var_os("ATHYPER_TOOLS").is_none(),
        "the test command installs promtool, and it is not there"
    );
    found
}

#[tokio::test]
async fn promtool_has_nothing_to_say() {
    let Some(promtool) = promtool() else {
        eprintln!("SKIPPED: promtool is not on the PATH; scripts/test installs it");
        return;
    };
    let check = |text: &str| {
        let mut child = Command::new(&promtool)
            .args(["check", "metrics"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(said).unwrap())
    };
    assert_eq!(check(&used().await.to_prometheus()), (true, String::new()));
    // It does look: a counter without its suffix is a warning.
    assert!(!check("# HELP visits Visits.\n# TYPE visits counter\nvisits 1\n").1.is_empty());
}
