//! What the cases of every suite share.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

/// The time of the store under test.
#[async_trait]
pub trait StoreTime: Send + Sync {
    /// Lets the store's clock run on.
    async fn pass(&self, duration: Duration);

    /// Lets every wall clock jump ahead, which is not time passing.
    async fn jump_wall_clock(&self, ahead: Duration);

    /// Ends this boot of the machine and begins another, with its clock at almost zero; `false` when leases of this store
    /// do not depend on one.
    async fn restart_machine(&self) -> bool;
}

/// Why a case failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation(String);

impl Violation {
    /// A violation as a sentence.
    #[must_use]
    pub fn new(sentence: impl Into<String>) -> Self {
        Self(sentence.into())
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for Violation {}

impl From<athyper::Error> for Violation {
    fn from(error: athyper::Error) -> Self {
        Self(format!("the store failed: {}", error.report()))
    }
}

/// What a case finds.
pub(super) type Outcome = Result<(), Violation>;

/// Goes on if something holds.
pub(super) fn ensure(holds: bool, otherwise: impl fmt::Display) -> Outcome {
    if holds { Ok(()) } else { Err(Violation(otherwise.to_string())) }
}
