//! The checks of a process, run side by side.

use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::join_all;
use serde::Serialize;
use tokio::sync::Mutex;

use crate::foundation::clock::{Clock, ClockExt};
use crate::foundation::health::{Health, HealthCheck, HealthStatus};

/// How long one check may take unless told otherwise.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(2);

/// What all checks found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HealthReport {
    /// The worst of all parts; a part that is not required makes it degraded at most.
    pub status: HealthStatus,
    /// Each part, in the order they were added.
    pub parts: Vec<PartReport>,
}

/// What one check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PartReport {
    /// The part's name.
    pub name: String,
    /// How well it works.
    pub status: HealthStatus,
    /// Whether the process cannot do its work without it.
    #[serde(skip)]
    pub is_required: bool,
    /// Why, for operators.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

#[derive(Debug)]
struct Inner {
    clock: Arc<dyn Clock>,
    timeout: Duration,
    checks: RwLock<Vec<Arc<dyn HealthCheck>>>,
    /// How often somebody asked.
    asked: AtomicU64,
    latest: Mutex<Option<Latest>>,
}

#[derive(Debug)]
struct Latest {
    /// How often somebody had asked when these checks began.
    asked: u64,
    report: HealthReport,
}

/// The health checks of a process. Clones share them.
#[derive(Debug, Clone)]
pub struct HealthRegistry(Arc<Inner>);

impl HealthRegistry {
    /// A registry without checks; a check that takes longer than two seconds counts as failed.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self::with_timeout(clock, DEFAULT_TIMEOUT)
    }

    /// A registry without checks, with another time that one check may take.
    #[must_use]
    pub fn with_timeout(clock: Arc<dyn Clock>, timeout: Duration) -> Self {
        Self(Arc::new(Inner {
            clock,
            timeout,
            checks: RwLock::default(),
            asked: AtomicU64::new(0),
            latest: Mutex::default(),
        }))
    }

    /// Adds a check.
    pub fn add(&self, check: Arc<dyn HealthCheck>) {
        self.0.checks.write().unwrap_or_else(PoisonError::into_inner).push(check);
    }

    /// Runs every check, side by side, each for a bounded time.
    ///
    /// However many ask, the checks run once at a time: who asks while they run shares the next run, so that a crowd of probes is
    /// no load on the dependencies.
    ///
    /// # Cancel safety
    /// Dropping the future ends the checks it runs; whoever waits for them runs them anew.
    pub async fn report(&self) -> HealthReport {
        let own = self.0.asked.fetch_add(1, Ordering::AcqRel) + 1;
        let mut latest = self.0.latest.lock().await;
        if let Some(latest) = latest.as_ref().filter(|latest| latest.asked >= own) {
            return latest.report.clone();
        }
        let asked = self.0.asked.load(Ordering::Acquire);
        let report = self.look().await;
        *latest = Some(Latest { asked, report: report.clone() });
        report
    }

    async fn look(&self) -> HealthReport {
        let checks = self.0.checks.read().unwrap_or_else(PoisonError::into_inner).clone();
        let parts = join_all(checks.iter().map(|check| self.look_at(check.as_ref()))).await;
        let worst = |part: &PartReport| match part.status {
            HealthStatus::Unhealthy if !part.is_required => HealthStatus::Degraded,
            status => status,
        };
        HealthReport { status: parts.iter().map(worst).max().unwrap_or(HealthStatus::Healthy), parts }
    }

    async fn look_at(&self, check: &dyn HealthCheck) -> PartReport {
        let checking = AssertUnwindSafe(check.check()).catch_unwind();
        let Health { status, detail } = match self.0.clock.timeout(self.0.timeout, checking).await {
            Some(Ok(found)) => found,
            Some(Err(_)) => Health::unhealthy("the check panicked"),
            None => Health::unhealthy(format!("no answer within {:?}", self.0.timeout)),
        };
        PartReport { name: check.name().to_owned(), status, is_required: check.is_required(), detail }
    }
}

impl HealthReport {
    /// The same without what only operators may read.
    #[must_use]
    pub fn without_details(mut self) -> Self {
        for part in &mut self.parts {
            part.detail = None;
        }
        self
    }

    /// The names of required parts that do not work.
    #[must_use]
    pub fn failed_requirements(&self) -> Vec<&str> {
        let failed = |part: &&PartReport| part.is_required && part.status == HealthStatus::Unhealthy;
        self.parts.iter().filter(failed).map(|part| part.name.as_str()).collect()
    }
}
