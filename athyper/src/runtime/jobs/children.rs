//! What a handler learns of the jobs that its own waited for.

use bytes::Bytes;
use serde::de::DeserializeOwned;

use crate::foundation::error::{Error, ErrorKind, Result};
use crate::foundation::jobs::{ChildRecord, Job, JobId, JobState};

/// The children of a job, in the order in which they were enqueued, and what became of them.
///
/// A child that was removed before it had ended is not among them, nor is one that its parent was told to
/// [forget](crate::jobs::ChildFailure::Forget).
#[derive(Debug, Clone)]
pub struct Children {
    parent: JobId,
    records: Vec<ChildRecord>,
}

impl Children {
    pub(super) fn new(parent: JobId, records: Vec<ChildRecord>) -> Self {
        Self { parent, records }
    }

    /// What the one child of this kind returned.
    ///
    /// # Errors
    /// `NotFound` with the code `job-child-none` when there is none of the kind, `Conflict` with `job-child-several` when there
    /// are several; `Internal` with `job-child-failed` when it failed, `Conflict` with `job-child-unfinished` when it has not ended;
    /// `Invalid` with `job-result` when what it returned is not of its type.
    pub fn result<J: Job>(&self) -> Result<J::Output> {
        let mut of_kind = self.of_kind::<J>();
        let error = |kind, code, message| Err(Error::new(kind, message).with_code(code));
        let (parent, kind) = (&self.parent, J::KIND);
        let Some(child) = of_kind.next() else {
            let message = format!("job {parent} has no child `{kind}` in queue `{}`", J::OPTIONS.queue);
            return error(ErrorKind::NotFound, "job-child-none", message);
        };
        let others = of_kind.count();
        if others > 0 {
            let message =
                format!("job {parent} has {} children `{kind}`: `results` answers for all of them", others + 1);
            return error(ErrorKind::Conflict, "job-child-several", message);
        }
        let id = &child.id;
        match (child.state, &child.result) {
            (JobState::Completed, Some(result)) => decode(id, result),
            (JobState::Failed, _) => {
                let reason = child.error.as_deref().unwrap_or("no reason is recorded");
                error(ErrorKind::Internal, "job-child-failed", format!("child `{kind}` {id} failed: {reason}"))
            }
            (state, _) => {
                let message = format!("child `{kind}` {id} has not ended, it is {}", state.as_str());
                error(ErrorKind::Conflict, "job-child-unfinished", message)
            }
        }
    }

    /// What the children of this kind returned that have completed, in the order in which they were enqueued.
    ///
    /// Those that failed, or have not ended, are passed over; [`iter`](Self::iter) tells of them. There are none unless a child
    /// was enqueued with another [`ChildFailure`](crate::jobs::ChildFailure) than `FailParent` or `Hold`.
    ///
    /// # Errors
    /// `Invalid` with the code `job-result` when what one of them returned is not of its type.
    pub fn results<J: Job>(&self) -> Result<Vec<J::Output>> {
        let results = self.of_kind::<J>().filter_map(|child| Some((&child.id, child.result.as_ref()?)));
        results.map(|(id, result)| decode(id, result)).collect()
    }

    /// Each of them.
    pub fn iter(&self) -> std::slice::Iter<'_, ChildRecord> {
        self.records.iter()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    fn of_kind<J: Job>(&self) -> impl Iterator<Item = &ChildRecord> {
        let is_one = |child: &&ChildRecord| {
            child.queue.as_str() == J::OPTIONS.queue && (child.kind == J::KIND || J::ALIASES.contains(&&*child.kind))
        };
        self.records.iter().filter(is_one)
    }
}

impl<'a> IntoIterator for &'a Children {
    type Item = &'a ChildRecord;
    type IntoIter = std::slice::Iter<'a, ChildRecord>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

fn decode<T: DeserializeOwned>(id: &JobId, result: &Bytes) -> Result<T> {
    serde_json::from_slice(result).map_err(|error| {
        Error::invalid(format!("the result of child {id} is not of the expected type: {error}"))
            .with_code("job-result")
            .with_source(error)
    })
}
