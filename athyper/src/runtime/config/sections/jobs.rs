//! Background jobs.

use std::time::Duration;

use athyper_macros::Config;

use crate::foundation::config::{SectionCheck, StoreUrl};

/// Background jobs: `[jobs]`.
#[derive(Debug, Clone, PartialEq, Config)]
#[config(section = "jobs", unlisted, check = check_jobs)]
#[non_exhaustive]
pub struct JobsConfig {
    /// Where the queue is. Unset: where `redis.url`, then `database.url` says.
    pub url: Option<StoreUrl>,
    /// How many jobs of one queue run at once in one process, unless a handler says so.
    #[config(default = 10)]
    pub concurrency: u32,
    /// Jobs are taken before there is a slot for them as far as they will begin within this time; `0s` for none.
    #[config(default = "2ms")]
    pub take_ahead: Duration,
    /// For how long a worker holds a job without renewing its lock.
    #[config(default = "30s")]
    pub lock: Duration,
    /// How often jobs of silent workers are looked for.
    #[config(default = "30s")]
    pub stalled_interval: Duration,
    /// How often a job may be taken back from a silent worker before it counts as failed.
    #[config(default = 2)]
    pub max_stalls: u32,
    /// How long running jobs may take to finish once the worker stops; what overruns is handed back.
    #[config(default = "30s")]
    pub drain_timeout: Duration,
}

fn check_jobs(jobs: &JobsConfig, check: &mut SectionCheck) {
    if jobs.concurrency == 0 {
        check.invalid("concurrency", "must be at least 1");
    }
    if jobs.lock < Duration::from_secs(1) {
        check.invalid("lock", "must be at least 1s, or there is no time to renew it");
    }
    if jobs.stalled_interval.is_zero() {
        check.invalid("stalled_interval", "must be longer than nothing");
    }
}
