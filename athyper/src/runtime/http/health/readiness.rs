//! Whether the process takes work.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

/// A condition that must hold for the process to be ready, such as that the jobs it claims move on.
pub trait ReadinessPart: Send + Sync + fmt::Debug + 'static {
    /// The part's name, as it stands in the answer of `/readyz`.
    fn name(&self) -> &str;

    /// Whether it holds now. It must not wait.
    fn is_ready(&self) -> bool;
}

#[derive(Debug, Default)]
struct State {
    started: AtomicBool,
    stopping: AtomicBool,
    parts: RwLock<Vec<Arc<dyn ReadinessPart>>>,
}

/// Whether the process takes work: `/readyz` answers by it. Clones share it.
///
/// It is not ready before [`started`](Self::started), and never again after [`stopping`](Self::stopping), which comes first in a
/// shutdown so that load balancers look elsewhere while requests are still answered.
#[derive(Debug, Clone, Default)]
pub struct Readiness(Arc<State>);

impl Readiness {
    /// Not ready yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The process has started.
    pub fn started(&self) {
        self.0.started.store(true, Ordering::Release);
    }

    /// The process is about to stop.
    pub fn stopping(&self) {
        self.0.stopping.store(true, Ordering::Release);
    }

    /// Adds a condition.
    pub fn require(&self, part: Arc<dyn ReadinessPart>) {
        self.0.parts.write().unwrap_or_else(PoisonError::into_inner).push(part);
    }

    /// Why the process is not ready; empty when it is.
    #[must_use]
    pub fn obstacles(&self) -> Vec<String> {
        if self.0.stopping.load(Ordering::Acquire) {
            return vec!["stopping".to_owned()];
        }
        if !self.0.started.load(Ordering::Acquire) {
            return vec!["starting".to_owned()];
        }
        let parts = self.0.parts.read().unwrap_or_else(PoisonError::into_inner);
        parts.iter().filter(|part| !part.is_ready()).map(|part| part.name().to_owned()).collect()
    }
}
