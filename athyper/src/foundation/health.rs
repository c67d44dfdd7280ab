//! Whether the parts a process depends on do their work.

use std::fmt;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

/// How well a part, or a whole process, does its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HealthStatus {
    /// As it should.
    Healthy,
    /// It works, and something is wrong.
    Degraded,
    /// It does not work.
    Unhealthy,
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// How well it works.
    pub status: HealthStatus,
    /// Why, for operators; never sent to the public.
    pub detail: Option<String>,
}

impl Health {
    /// As it should.
    #[must_use]
    pub const fn healthy() -> Self {
        Self { status: HealthStatus::Healthy, detail: None }
    }

    /// It works, and something is wrong.
    #[must_use]
    pub fn degraded(detail: impl Into<String>) -> Self {
        Self { status: HealthStatus::Degraded, detail: Some(detail.into()) }
    }

    /// It does not work.
    #[must_use]
    pub fn unhealthy(detail: impl Into<String>) -> Self {
        Self { status: HealthStatus::Unhealthy, detail: Some(detail.into()) }
    }
}

/// A part whose health can be asked for.
#[async_trait]
pub trait HealthCheck: Send + Sync + fmt::Debug + 'static {
    /// The part's name, as it stands in the answer of `/health`.
    fn name(&self) -> &str;

    /// Whether the process cannot do its work without it: `/readyz` fails with it.
    fn is_required(&self) -> bool {
        true
    }

    /// Looks. The caller bounds the time.
    async fn check(&self) -> Health;
}
