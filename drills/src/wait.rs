//! Waiting for a condition, with a deadline.

use std::thread::sleep;
use std::time::{Duration, Instant};

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(10);

/// Looks until `look` finds something.
///
/// # Panics
/// When the deadline passes first; the message names `what` was waited for.
#[track_caller]
pub fn until<T>(what: &str, deadline: Duration, mut look: impl FnMut() -> Option<T>) -> T {
    let begin = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begin.elapsed() < deadline, "waited {deadline:?} in vain: {what}");
        sleep(PAUSE);
    }
}

/// Looks for the whole of `period` and passes on what `look` says at the end; panics as soon as it says no.
#[track_caller]
pub fn throughout(what: &str, period: Duration, mut look: impl FnMut() -> bool) {
    let begin = Instant::now();
    while begin.elapsed() < period {
        assert!(look(), "{what} held for only {:?}", begin.elapsed());
        sleep(PAUSE);
    }
}
