//! The framework's own sections.

mod database;
mod http;
mod jobs;
mod log;
mod scheduler;
mod security;
mod shutdown;

pub use database::{DatabaseConfig, LeasesConfig, RedisConfig};
pub use http::{HttpConfig, ManagementConfig};
pub use jobs::JobsConfig;
pub use log::{LogConfig, LogFormat};
pub use scheduler::SchedulerConfig;
pub use security::{CorsConfig, RateLimitConfig, SecurityHeadersConfig};
pub use shutdown::ShutdownConfig;

use crate::foundation::config::{ConfigSection, SectionDescriptor};

/// The framework's own sections: known in every kernel, whatever is registered.
pub(super) const FRAMEWORK_SECTIONS: &[SectionDescriptor] = &[
    CorsConfig::DESCRIPTOR,
    DatabaseConfig::DESCRIPTOR,
    HttpConfig::DESCRIPTOR,
    JobsConfig::DESCRIPTOR,
    LeasesConfig::DESCRIPTOR,
    LogConfig::DESCRIPTOR,
    ManagementConfig::DESCRIPTOR,
    RateLimitConfig::DESCRIPTOR,
    RedisConfig::DESCRIPTOR,
    SchedulerConfig::DESCRIPTOR,
    SecurityHeadersConfig::DESCRIPTOR,
    ShutdownConfig::DESCRIPTOR,
];
