//! `#[scheduled]`.

use std::any::TypeId;
use std::time::Duration;

use athyper::prelude::*;
use athyper::private::ATHYPER_SCHEDULES_V0;
use athyper::schedule::{MissedTicks, Overlap, ScheduleDescriptor};

#[scheduled("0 0 * * *", tz = "Europe/Berlin", missed = all, overlap = queue, queue = "reports", timeout = "10m")]
async fn daily_report(tick: Tick, ctx: JobContext, #[inject] unit: Option<Arc<u8>>) -> Result<()> {
    let _ = (tick, ctx, unit);
    Ok(())
}

#[scheduled("*/5 * * * * *", name = "heartbeat")]
pub(crate) async fn beat() {}

fn schedule(name: &str) -> &'static ScheduleDescriptor {
    ATHYPER_SCHEDULES_V0.iter().find(|schedule| schedule.name == name).expect("registered")
}

#[test]
fn a_schedule_is_what_was_written() {
    let report = schedule("daily_report");
    assert_eq!((report.expression, report.zone), ("0 0 * * *", "Europe/Berlin"));
    assert_eq!((report.missed, report.overlap), (MissedTicks::All, Overlap::Queue));
    assert_eq!(report.job.kind, "schedule.daily_report");
    assert_eq!(report.job.payload, TypeId::of::<Tick>());
    assert_eq!(report.job.options.queue, "reports");
    assert_eq!(report.job.options.timeout, Some(Duration::from_secs(600)));
    assert_eq!((report.job.wants)().len(), 1);
}

#[test]
fn a_schedule_that_says_nothing_has_the_defaults() {
    let beat = schedule("heartbeat");
    assert_eq!(beat.zone, "UTC");
    assert_eq!((beat.missed, beat.overlap), (MissedTicks::default(), Overlap::default()));
    assert_eq!(beat.job.options.queue, "default");
    assert_eq!(ATHYPER_SCHEDULES_V0.len(), 2);
}

#[test]
fn the_compiler_and_the_scheduler_read_expressions_with_the_same_code() {
    assert_eq!(
        include_str!("../../src/foundation/schedule/expression.rs"),
        include_str!("../../../athyper-macros/src/scheduled/expression.rs"),
    );
}
