//! What a job is, what can become of it, and the port every queue implements.

mod backoff;
mod delivery;
mod envelope;
mod flow;
mod job;
mod limits;
mod options;
mod ordering;
mod queue;
mod schedule_store;
mod state;
mod upcast;

pub use backoff::{Backoff, Growth};
pub use delivery::{Delivered, Delivery};
pub use envelope::{Envelope, JobId, QueueName};
pub use flow::{ChildFailure, ChildRecord, MOST_JOBS_OF_A_FLOW, Parent};
#[allow(unused_imports, reason = "without a store there are no flows")]
pub(crate) use flow::{FlowShape, Known, Standing, another_parent, failed_by};
pub use job::Job;
pub use limits::{Limit, QueueLimits, Rate};
pub use options::{JobOptions, Priority, Retention, Unique};
pub use ordering::QueueOrdering;
pub use queue::{
    Added, CANCELLED, Capabilities, Claimed, Finish, Finished, JobAdministration, JobFilter, JobQueue, LOG_ROWS, Lock,
    NewJob, Outcome, Recovered, RecoveryPolicy, Take, Verdict,
};
pub use schedule_store::{Fire, Fired, ScheduleRecord, ScheduleStore};
pub use state::{JobCounts, JobRecord, JobState};
pub use upcast::Upcast;
