//! `schedules`: what recurs, and when next.

use serde_json::{Value, json};

use super::Output;
use super::arguments::Json;
use super::table::Table;
use crate::foundation::schedule::{MissedTicks, Overlap};
use crate::runtime::kernel::Kernel;

pub(super) fn list(kernel: &Kernel, format: Json) -> Output {
    let schedules = kernel.schedules();
    if format.json {
        let schedules: Vec<Value> = schedules
            .iter()
            .map(|schedule| {
                json!({
                    "name": schedule.schedule,
                    "cron": schedule.expression,
                    "zone": schedule.zone,
                    "description": schedule.description,
                    "next": schedule.at.map(|at| at.to_rfc3339()),
                    "missed": schedule.missed,
                    "overlap": schedule.overlap,
                    "job": schedule.kind,
                    "queue": schedule.queue,
                    "place": schedule.place.to_string(),
                })
            })
            .collect();
        return Output::json(&schedules);
    }
    let mut table = Table::new(["SCHEDULE", "CRON", "ZONE", "NEXT (UTC)", "MISSED", "OVERLAP", "QUEUE", "PLACE"]);
    for schedule in schedules {
        table.row([
            schedule.schedule,
            schedule.expression,
            schedule.zone,
            schedule.at.map_or_else(|| "never".to_owned(), |at| at.format("%F %T").to_string()),
            missed(schedule.missed).to_owned(),
            overlap(schedule.overlap).to_owned(),
            schedule.queue,
            schedule.place.to_string(),
        ]);
    }
    Output::text(table.or("the product has no schedules"))
}

const fn missed(policy: MissedTicks) -> &'static str {
    match policy {
        MissedTicks::Skip => "skip",
        MissedTicks::Once => "once",
        MissedTicks::All => "all",
    }
}

const fn overlap(policy: Overlap) -> &'static str {
    match policy {
        Overlap::Skip => "skip",
        Overlap::Queue => "queue",
        Overlap::Allow => "allow",
    }
}
