//! From sections of the configuration to the options of the parts.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use super::checked::Kernel;
use super::stack::bytes;
use crate::foundation::config::ConfigSection;
use crate::runtime::config::sections::{HttpConfig, JobsConfig, ManagementConfig, SchedulerConfig, ShutdownConfig};
use crate::runtime::http::ServerOptions;
use crate::runtime::jobs::WorkerSettings;
use crate::runtime::scheduler::SchedulerOptions;

/// How much longer than allowed a head may be to be refused with a document.
const HEAD_MARGIN: usize = 32 * 1024;

impl Kernel {
    /// A section of the framework's own: it was read when the kernel was checked.
    pub(super) fn section<T: ConfigSection>(&self) -> Arc<T> {
        match self.configuration.section::<T>() {
            Ok(section) => section,
            Err(error) => unreachable!("the framework's sections are read before a kernel exists: {error}"),
        }
    }

    pub(super) fn server_options(&self) -> ServerOptions {
        let http = self.section::<HttpConfig>();
        let mut options = ServerOptions::default().listen_on(http.address());
        options.max_connections = http.max_connections;
        options.header_timeout = http.header_timeout;
        options.idle_timeout = http.idle_timeout;
        options.body_pause_timeout = http.body_pause_timeout;
        options.write_pause_timeout = http.write_pause_timeout;
        // The stack refuses a head that is too large with a document; beyond the server's own limit nobody can.
        options.max_head_bytes = bytes(http.max_head_size).saturating_add(HEAD_MARGIN);
        options.http2.max_header_list_bytes = u32::try_from(options.max_head_bytes).unwrap_or(u32::MAX);
        options.drain_timeout = http.drain_timeout;
        options.drain_linger = http.drain_linger;
        options
    }

    /// The options of the management port, if there is one.
    pub(super) fn management_options(&self) -> Option<ServerOptions> {
        let address = self.section::<ManagementConfig>().address()?;
        let mut options = self.server_options();
        options.addresses = vec![address];
        options.drain_timeout = Duration::from_secs(1);
        Some(options)
    }

    pub(super) fn worker_settings(&self) -> WorkerSettings {
        let jobs = self.section::<JobsConfig>();
        let defaults = WorkerSettings::default();
        WorkerSettings {
            concurrency: NonZeroU32::new(jobs.concurrency).unwrap_or(defaults.concurrency),
            lock_for: jobs.lock,
            take_ahead: jobs.take_ahead,
            recover_every: jobs.stalled_interval,
            max_stalls: jobs.max_stalls,
            ..defaults
        }
    }

    pub(super) fn worker_drain(&self) -> Duration {
        self.section::<JobsConfig>().drain_timeout
    }

    pub(super) fn scheduler_options(&self) -> SchedulerOptions {
        let scheduler = self.section::<SchedulerConfig>();
        let mut options = SchedulerOptions::default();
        options.lease_name.clone_from(&scheduler.lease_name);
        options.lease = scheduler.lease;
        options.grace = scheduler.grace;
        options
    }

    pub(super) fn shutdown_section(&self) -> Arc<ShutdownConfig> {
        self.section()
    }
}
