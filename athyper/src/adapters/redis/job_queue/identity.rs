//! Ids as they are stored.
//!
//! A job's key is the queue's base and its id, so that an id may be mistaken for one of the queue's own keys, or for one of
//! another job. Such ids are stored in another spelling; all others, and all that BullMQ makes, as they are.

use std::borrow::Cow;

/// The suffixes of a queue's own keys.
const TAKEN: [&str; 19] = [
    "id",
    "meta",
    "wait",
    "paused",
    "active",
    "prioritized",
    "pc",
    "delayed",
    "waiting-children",
    "completed",
    "failed",
    "marker",
    "stalled",
    "stalled-check",
    "limiter",
    "events",
    "repeat",
    "delay",
    "priority",
];

/// Words that begin the suffix of a key with several parts.
const FIRST_PARTS: [&str; 5] = ["de", "dn", "metrics", "ath", "0"];

const SPELT: &str = "ath~";

/// The id as it is stored.
pub(super) fn spell(id: &str) -> Cow<'_, str> {
    if !is_ambiguous(id) {
        return Cow::Borrowed(id);
    }
    Cow::Owned(format!("{SPELT}{}", id.replace('~', "~7E").replace(':', "~3A")))
}

/// The id as the product knows it.
pub(super) fn read(stored: &str) -> Cow<'_, str> {
    match stored.strip_prefix(SPELT) {
        Some(rest) => Cow::Owned(rest.replace("~3A", ":").replace("~7E", "~")),
        None => Cow::Borrowed(stored),
    }
}

fn is_ambiguous(id: &str) -> bool {
    if id.is_empty() || id.starts_with(SPELT) || TAKEN.contains(&id) {
        return true;
    }
    // BullMQ's own ids have three parts or one.
    let mut parts = id.split(':');
    let first = parts.next().unwrap_or_default();
    match parts.count() {
        0 => false,
        2 => FIRST_PARTS.contains(&first),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::{read, spell};

    #[test]
    fn plain_ids_and_those_of_bullmq_stay_as_they_are() {
        for id in ["1", "007", "0", "018f3a-7b", "repeat:daily:1700000000000", "a:b:c", "👩‍👩‍👧", " "] {
            assert_eq!(spell(id), id);
            assert_eq!(read(id), id);
        }
    }

    #[test]
    fn ids_that_could_be_taken_for_a_key_are_spelt_otherwise_and_read_back() {
        for id in ["wait", "meta", "", "a:b", "a:lock", "de:a:b", "ath:held:k", "a:b:c:d", "ath~x", "0:1:2", "~3A:"] {
            let stored = spell(id);
            assert_ne!(stored, id);
            assert!(!stored.contains(':'), "{stored}");
            assert_eq!(read(&stored), id);
        }
    }
}
