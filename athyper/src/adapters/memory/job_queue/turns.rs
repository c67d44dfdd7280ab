//! Whose turn it is in a queue where tenants take turns.

use std::collections::HashMap;

use crate::foundation::jobs::Priority;

/// Start-time fair queueing among the jobs of one priority: a job that comes to wait gets the turn after the last one of its
/// tenant, or after the one that was taken last, whichever is later.
#[derive(Debug, Default)]
pub(super) struct Turns {
    /// The latest turn that was taken.
    taken: HashMap<Priority, u64>,
    /// The latest turn that was given to each tenant.
    given: HashMap<(Priority, String), u64>,
}

impl Turns {
    /// The turn of a job that comes to wait.
    pub(super) fn give(&mut self, priority: Priority, share: &str) -> u64 {
        let taken = self.taken.get(&priority).copied().unwrap_or_default();
        let given = self.given.entry((priority, share.to_owned())).or_default();
        *given = (*given).max(taken) + 1;
        *given
    }

    /// A job with a turn was taken.
    pub(super) fn take(&mut self, priority: Priority, turn: u64) {
        let taken = self.taken.entry(priority).or_default();
        *taken = (*taken).max(turn);
    }

    /// Nobody waits: what was given is all past.
    pub(super) fn rest(&mut self) {
        self.given.clear();
    }
}
