//! Every key of a queue, spelt out so that two queues can be compared field by field.

use std::collections::BTreeMap;

use athyper_testkit::services::{RedisServer, Reply};
use serde_json::Value;

/// Each field, element and entry by its path.
pub(super) type Dump = BTreeMap<String, String>;

/// Instants by their order, so that two dumps tell them alike: the first one is `<1>`.
fn number_instants(dump: Dump) -> Dump {
    let mut named: Vec<String> = Vec::new();
    for path in dump.keys() {
        // Only those in names have to be told apart.
        for_each_instant(path, |instant| named.push(instant.to_owned()));
    }
    named.sort();
    named.dedup();
    let replace = |text: &str| {
        let mut shown = text.to_owned();
        for_each_instant(text, |instant| {
            let number = named.binary_search_by(|known| known.as_str().cmp(instant)).map_or(0, |place| place + 1);
            shown = shown.replace(instant, &if number == 0 { "<time>".to_owned() } else { format!("<{number}>") });
        });
        shown
    };
    dump.iter().map(|(path, value)| (replace(path), replace(value))).collect()
}

/// What looks like milliseconds since 1970 in this century.
fn for_each_instant<'a>(text: &'a str, mut each: impl FnMut(&'a str)) {
    for digits in text.split(|letter: char| !letter.is_ascii_digit()) {
        if digits.len() == 13 && (digits.starts_with("16") || digits.starts_with("17") || digits.starts_with("18")) {
            each(digits);
        }
    }
}

/// Masks the instants in what was told to listeners.
pub(super) fn masked(text: &str) -> String {
    let mut shown = text.to_owned();
    for_each_instant(text, |instant| shown = shown.replace(instant, "<time>"));
    shown
}

/// JSON with its numbers written alike, and its words in order.
fn alike(value: &Value) -> Value {
    match value {
        Value::Number(number) => {
            let whole = number.as_f64().filter(|number| number.fract() == 0.0 && number.abs() < 1e15);
            #[allow(clippy::cast_possible_truncation, reason = "it is whole and small")]
            whole.map_or_else(|| value.clone(), |number| Value::from(number as i64))
        }
        Value::Array(items) => items.iter().map(alike).collect(),
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), alike(value))).collect(),
        other => other.clone(),
    }
}

/// A delay without what passed between two readings of the clock.
fn rounded(delay: &str) -> String {
    let long = delay.parse::<f64>().ok().filter(|delay| *delay > 100.0);
    long.map_or_else(|| delay.to_owned(), |delay| ((delay / 100.0).round() * 100.0).to_string())
}

/// What went wrong, without where in whose code.
fn first_lines(stack: Option<&Value>) -> String {
    let line = |text: &Value| {
        let line = text.as_str().unwrap_or_default().lines().next().unwrap_or_default().to_owned();
        line.split_once("Error: ").map_or(line.clone(), |(_, rest)| rest.to_owned())
    };
    Value::from(stack.and_then(Value::as_array).into_iter().flatten().map(line).collect::<Vec<_>>()).to_string()
}

fn pairs(reply: &Reply) -> Vec<(String, String)> {
    reply.texts().chunks(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect()
}

/// How a score is told: delayed jobs by their millisecond and their place within it, prioritized ones by both parts.
fn score_of(key: &str, score: &str) -> String {
    let number: f64 = score.parse().unwrap();
    match key {
        "delayed" => format!("{} and {}", (number / 4096.0).floor(), number % 4096.0),
        "prioritized" => format!("{} and {}", (number / 4_294_967_296.0).floor(), number % 4_294_967_296.0),
        // Behind the point, ours has the order of those that ended within a millisecond.
        _ => number.floor().to_string(),
    }
}

/// Spells out the queue `email` below a prefix.
pub(super) fn dump(server: &RedisServer, prefix: &str) -> Dump {
    let base = format!("{prefix}:email:");
    let mut dump = Dump::new();
    for key in server.ask(&["KEYS", &format!("{base}*")]).texts() {
        let name = key.strip_prefix(&base).unwrap().to_owned();
        let ask = |words: &[&str]| server.ask(&[&[words[0], &*key], &words[1..]].concat());
        match &*ask(&["TYPE"]).text() {
            "string" => drop(dump.insert(name.clone(), ask(&["GET"]).text())),
            "list" => {
                for (place, item) in ask(&["LRANGE", "0", "-1"]).texts().into_iter().enumerate() {
                    dump.insert(format!("{name}[{place}]"), item);
                }
            }
            "set" => {
                for item in ask(&["SMEMBERS"]).texts() {
                    dump.insert(format!("{name}{{{item}}}"), String::new());
                }
            }
            "zset" => {
                let pairs = pairs(&ask(&["ZRANGE", "0", "-1", "WITHSCORES"]));
                for (place, (item, score)) in pairs.into_iter().enumerate() {
                    let score = score_of(&name, &score);
                    match &*name {
                        "delayed" | "prioritized" => {
                            dump.insert(format!("{name}[{place}]"), format!("{item} at {score}"))
                        }
                        // BullMQ knows no order among those that ended within a millisecond.
                        _ => dump.insert(format!("{name}{{{item}}}"), score),
                    };
                }
            }
            "hash" => {
                for (field, value) in pairs(&ask(&["HGETALL"])) {
                    let json = serde_json::from_str::<Value>(&value).ok();
                    let value = match &*field {
                        "delay" => rounded(&value),
                        "stacktrace" => first_lines(json.as_ref()),
                        "parent" => json.as_ref().map(|parent| alike(parent).to_string()).unwrap_or(value),
                        _ => value,
                    };
                    match json.as_ref().and_then(Value::as_object).filter(|_| field == "opts") {
                        Some(options) => options.iter().for_each(|(word, value)| {
                            let mut value = alike(value).to_string();
                            if word == "delay" {
                                value = rounded(&value);
                            }
                            dump.insert(format!("{name}.opts.{word}"), value);
                        }),
                        None => drop(dump.insert(format!("{name}.{field}"), value)),
                    }
                }
            }
            "stream" => {
                let Reply::List(entries) = ask(&["XRANGE", "-", "+"]) else { panic!("a stream has entries") };
                for (place, entry) in entries.iter().enumerate() {
                    let Reply::List(parts) = entry else { panic!("an entry has parts") };
                    dump.insert(format!("{name}[{place:03}]"), parts[1].texts().join(" "));
                }
            }
            // It has ended meanwhile.
            "none" => continue,
            other => panic!("{key} is a {other}"),
        }
        if ask(&["PTTL"]).text() != "-1" {
            dump.insert(format!("{name} ends"), "by itself".to_owned());
        }
    }
    // A prefix of its own would be a difference everywhere.
    let plain = |text: String| text.replace(&format!("{prefix}:"), "PREFIX:");
    number_instants(dump.into_iter().map(|(path, value)| (plain(path), plain(value))).collect())
}

/// A difference that is right: a path, in which a `*` stands for anything, and why.
pub(super) struct Explained(
    pub(super) &'static str,
    #[allow(dead_code, reason = "it is for whoever reads it")] pub(super) &'static str,
);

impl Explained {
    fn covers(&self, path: &str) -> bool {
        let mut parts = self.0.split('*');
        let Some(mut rest) = path.strip_prefix(parts.next().unwrap_or_default()) else { return false };
        let parts: Vec<&str> = parts.collect();
        for (place, part) in parts.iter().enumerate() {
            let found = if place + 1 == parts.len() {
                rest.len().checked_sub(part.len()).filter(|at| rest.ends_with(part) && rest.is_char_boundary(*at))
            } else {
                rest.find(part)
            };
            let Some(at) = found else { return false };
            rest = &rest[at + part.len()..];
        }
        rest.is_empty()
    }
}

/// Where two dumps differ, other than explained.
pub(super) fn differences(one: &Dump, other: &Dump, explained: &[&Explained]) -> Vec<String> {
    let mut paths: Vec<&String> = one.keys().chain(other.keys()).collect();
    paths.sort();
    paths.dedup();
    let shown =
        |dump: &Dump, path: &str| dump.get(path).map_or_else(|| "nothing".to_owned(), |value| format!("`{value}`"));
    paths
        .into_iter()
        .filter(|path| one.get(*path) != other.get(*path) && !explained.iter().any(|explained| explained.covers(path)))
        .map(|path| format!("{path}: {} instead of {}", shown(one, path), shown(other, path)))
        .collect()
}
