//! Athyper is an application framework: add it to your own binary and an HTTP API, background workers and a scheduler run in
//! production shape.
#![forbid(unsafe_code)]

// The derives are used inside as well, and their output says `athyper`.
extern crate self as athyper;

mod adapters;
mod foundation;
#[cfg(doctest)]
mod guide;
#[cfg(doctest)]
mod readme;
mod runtime;

pub mod prelude;
#[doc(hidden)]
pub mod private;

pub use athyper_macros::{Failure, inject, job, main, port, scheduled};
pub use foundation::error::{Error, ErrorKind, FieldError, Result, ResultExt};

/// Work in the background: payload types that are jobs, the client, the worker pool, the port of queues.
pub mod jobs {
    #[doc(no_inline)]
    pub use athyper_macros::{Job, job};

    #[cfg(feature = "memory")]
    pub use crate::adapters::memory::MemoryJobQueue;
    pub use crate::foundation::jobs::{
        Added, Backoff, CANCELLED, Capabilities, ChildFailure, ChildRecord, Claimed, Delivered, Delivery, Envelope,
        Finish, Finished, Growth, Job, JobAdministration, JobCounts, JobFilter, JobId, JobOptions, JobQueue, JobRecord,
        JobState, LOG_ROWS, Limit, Lock, MOST_JOBS_OF_A_FLOW, NewJob, Outcome, Parent, Priority, QueueLimits,
        QueueName, QueueOrdering, Rate, Recovered, RecoveryPolicy, Retention, Take, Unique, Upcast, Verdict,
    };
    pub use crate::runtime::jobs::{
        AttemptReport, AwaitResult, Children, ContainerRunner, Drained, Enqueue, EnqueueAll, HandlerOutcome,
        HandlerRunner, JobContext, JobDescriptor, JobHandle, JobHandler, JobOutcome, JobRegistry, JobReturn, JobValue,
        Jobs, Overrun, RunHandler, RunningWorkers, WorkerHealth, WorkerPool, WorkerSettings,
    };
}

/// Recurring work: cron in a time zone, policies, the port that remembers ticks.
pub mod schedule {
    pub use crate::foundation::jobs::{Fire, Fired, ScheduleRecord, ScheduleStore};
    pub use crate::foundation::schedule::{Cron, MissedTicks, Overlap, Ticks};
    pub use crate::runtime::scheduler::{
        FiredTick, NextTick, Schedule, ScheduleBuilder, ScheduleDescriptor, SchedulePlan, Scheduler, SchedulerOptions,
        SchedulerPorts, Tick,
    };
}

/// The outbox: what a transaction of the database says to another store, such as a job queue in Redis.
///
/// Products write `.in_tx(tx)`, and the kernel does the rest. This is for tests, tools, and destinations of one's own.
///
/// ```
/// use athyper::outbox::{Outbox, OutboxFilter, OutboxState};
///
/// async fn tell_of_refused(outbox: &dyn Outbox) -> athyper::Result<()> {
///     let refused = OutboxFilter { state: Some(OutboxState::Failed), ..OutboxFilter::default() };
///     for record in outbox.list(&refused).await? {
///         println!("{}: {}", record.message.id, record.error.unwrap_or_default());
///     }
///     Ok(())
/// }
/// ```
pub mod outbox {
    pub use crate::foundation::outbox::{
        Destination, JOBS, JobBatch, Outbox, OutboxAnswer, OutboxBatch, OutboxCounts, OutboxFilter, OutboxMessage,
        OutboxRecord, OutboxState, OutboxStep, Settled, Settlement,
    };
    pub use crate::runtime::outbox::{JobDestination, Relay};
}

/// One process of several leads.
pub mod leadership {
    #[cfg(feature = "memory")]
    pub use crate::adapters::memory::MemoryLeadership;
    pub use crate::foundation::leadership::{Leadership, Lease};
}

/// Typed SQL, transactions, migrations; with `sea_query` to build statements.
pub mod sql {
    #[doc(no_inline)]
    pub use athyper_macros::Row;

    pub use crate::foundation::sql::{
        AppliedMigration, Database, Db, Dialect, FromRow, FromSqlValue, Isolation, Migration, MigrationSet, Row,
        SqlValue, Statement, ToStatement, Transaction, Tx,
    };
    pub use sea_query;
}

/// PostgreSQL, for what no port offers.
///
/// ```
/// use athyper::postgres::PostgresDatabase;
/// use athyper::sql::Db;
///
/// fn describe(db: &Db) {
///     if let Some(postgres) = db.database().as_any().downcast_ref::<PostgresDatabase>() {
///         println!("the data lie in {}", postgres.place());
///     }
/// }
/// ```
#[cfg(feature = "postgres")]
pub mod postgres {
    #[doc(inline)]
    pub use crate::adapters::postgres::PostgresDatabase;
}

/// What only SQLite can do, and how its URLs are written.
///
/// ```
/// # fn show(db: &athyper::sql::Db) {
/// use athyper::sqlite::SqliteDatabase;
///
/// if let Some(sqlite) = db.database().as_any().downcast_ref::<SqliteDatabase>() {
///     println!("the data lies in {}", sqlite.file().display());
/// }
/// # }
/// ```
#[cfg(feature = "sqlite")]
pub mod sqlite {
    #[doc(inline)]
    pub use crate::adapters::sqlite::SqliteDatabase;
}

/// Dependency injection.
pub mod container {
    pub use crate::foundation::container::{
        Accepts, Graph, GraphNode, GraphRoot, Place, Reach, Scope, TypeKey, Want, WantMode,
    };
    pub use crate::runtime::container::{
        Binding, Close, CloseFailure, Component, ComponentDescriptor, Construct, Container, ContainerBuilder,
        FromContainer, Instance, Lazy, Provide, Provider, RequestScope, Resolve, Resolver,
    };
}

/// Time: the clock port and the machine's own clock.
pub mod clock {
    pub use crate::foundation::clock::{Clock, ClockExt, Timestamp, to_microseconds};
    pub use crate::runtime::clock::SystemClock;
}

/// What travels with every unit of work.
pub mod context {
    pub use crate::foundation::context::{Context, Principal, SpanId, TraceContext, TraceId};
    pub use crate::runtime::current_context::{current_context, in_context};
}

/// Typed, strict configuration.
pub mod config {
    #[doc(no_inline)]
    pub use athyper_macros::Config;

    pub use crate::foundation::config::{
        ByteSize, ConfigData, ConfigError, ConfigIssue, ConfigSection, ConfigTable, ConfigValue, DefaultValue,
        FieldDescriptor, FromConfigValue, IssueKind, Mode, Modes, Origin, Profile, SectionCheck, SectionDescriptor,
        SectionValue, Shape, StoreUrl, StoreUrlError, TableReader, Word, read_word,
    };
    pub use crate::foundation::secret::Secret;
    pub use crate::runtime::config::{
        Config, Configuration, ConfigurationDraft, EffectiveConfiguration, EffectiveValue, LoadOptions, Override,
        ResolvedStore, StorePort, StoreSource,
    };

    /// The framework's own sections.
    pub mod sections {
        pub use crate::runtime::config::sections::{
            CorsConfig, DatabaseConfig, HttpConfig, JobsConfig, LeasesConfig, LogConfig, LogFormat, ManagementConfig,
            RateLimitConfig, RedisConfig, SchedulerConfig, SecurityHeadersConfig, ShutdownConfig,
        };
    }
}

/// Whether the parts a process depends on do their work.
pub mod health {
    pub use crate::foundation::health::{Health, HealthCheck, HealthStatus};
    pub use crate::runtime::http::{HealthRegistry, HealthReport, PartReport, Readiness, ReadinessPart};
}

/// Proving who stands behind a request.
pub mod authentication {
    pub use crate::foundation::authentication::Authenticator;
    pub use crate::runtime::middleware::StaticTokenAuthenticator;
}

/// HTTP: the server, extractors, errors as problem documents.
pub mod http {
    pub use ::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};

    pub use crate::runtime::http::{
        BodyPaused, Drained, Form, Http2Options, HttpServer, Inject, Json, MethodRouter, ProblemDetails, Query,
        RouteDescription, Router, ServerOptions, Valid, Validatable, any, delete, get, head, management_router,
        options, patch, post, probe_router, put,
    };

    /// The middlewares, each a tower layer that also works on a bare axum router, and the stack of all of them.
    pub mod middleware {
        pub use crate::runtime::middleware::{
            AuthenticationLayer, ContainerLayer, CorrelationLayer, CorsLayer, CorsOptions, ErrorDocumentLayer,
            Execution, Filtered, HttpService, LoggingLayer, MetricsLayer, MiddlewareStack, Network, PanicLayer,
            RateLimitLayer, RateLimiter, RequestRecordLayer, RequestTimeoutLayer, SecurityHeadersLayer, SizeLimitLayer,
            SizeLimits, StackOptions, TrustedProxies, ValidationLayer, ValidationOptions,
        };
    }
}

/// The command line of every product, for tests and tools; `#[athyper::main]` writes the binary's.
pub mod command_line {
    pub use crate::runtime::command_line::{Invocation, Output, execute};
}

/// The kernel: a product is collected, checked as a whole, and run.
pub mod kernel {
    pub use crate::runtime::kernel::{
        Assembly, JobTransactions, Kernel, KernelBuilder, KernelHandle, LifecycleHook, MigrationReport, ProbedStore,
        RunningKernel, StopReport,
    };
}

/// The log of a process.
pub mod telemetry {
    pub use crate::runtime::telemetry::{LineFormat, Log, LogOptions, LogTarget};
}

/// Counters, gauges, histograms and summaries of a kernel.
pub mod metrics {
    pub use crate::foundation::metrics::{Buckets, Counter, Family, Gauge, Histogram, MetricsRegistry, Summary};
}

/// How much is allowed in a time.
pub mod rate_limit {
    pub use crate::foundation::rate_limit::{Decision, Quota, TokenBucket};
}

/// The driver table: which adapter serves which URL scheme.
pub mod driver {
    pub use crate::foundation::driver::{Driver, DriverContext, KNOWN_SCHEMES, Open, SharedConnections, drivers};
}

/// What keeps a kernel from starting.
pub mod problem {
    pub use crate::foundation::problem::{Detail, Problem, ProblemClass, Problems};
}
