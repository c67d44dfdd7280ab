//! `jobs` alone: which handlers there are, and how their jobs are run.

use serde_json::{Value, json};

use crate::foundation::duration::format_duration;
use crate::runtime::command_line::Output;
use crate::runtime::command_line::table::Table;
use crate::runtime::config::sections::JobsConfig;
use crate::runtime::jobs::JobDescriptor;
use crate::runtime::kernel::Kernel;

pub(super) fn list(kernel: &Kernel, json: bool) -> Output {
    if json {
        let jobs: Vec<Value> = kernel.jobs().jobs().map(|job| describe(kernel, job)).collect();
        return Output::json(&jobs);
    }
    let mut table =
        Table::new(["JOB", "VERSION", "QUEUE", "AT ONCE", "ATTEMPTS", "BACK-OFF", "TIME-OUT", "PRIORITY", "PLACE"]);
    for job in kernel.jobs().jobs() {
        let options = job.options;
        table.row([
            job.kind.to_owned(),
            job.version.to_string(),
            options.queue.to_string(),
            at_once(kernel, job).map_or_else(|| "-".to_owned(), |number| number.to_string()),
            options.attempts.to_string(),
            options.backoff.to_string(),
            options.timeout.map_or_else(|| "none".to_owned(), format_duration),
            options.priority.0.to_string(),
            job.place.to_string(),
        ]);
    }
    Output::text(table.or("the product has no jobs"))
}

fn describe(kernel: &Kernel, job: &JobDescriptor) -> Value {
    let options = job.options;
    json!({
        "name": job.kind,
        "aliases": job.aliases,
        "version": job.version,
        "queue": options.queue,
        "concurrency": at_once(kernel, job),
        "attempts": options.attempts,
        "backoff": options.backoff.to_string(),
        "timeout_seconds": options.timeout.map(|timeout| timeout.as_secs_f64()),
        "priority": options.priority.0,
        "place": job.place.to_string(),
    })
}

/// How many of the queue run at once in one process: what a handler says, else what the configuration says.
fn at_once(kernel: &Kernel, job: &JobDescriptor) -> Option<u32> {
    let queue = kernel.jobs().queues().find(|(queue, _)| queue.as_str() == job.options.queue);
    let said = queue.and_then(|(_, concurrency)| concurrency).map(u32::from);
    said.or_else(|| kernel.configuration().section::<JobsConfig>().ok().map(|jobs| jobs.concurrency))
}
