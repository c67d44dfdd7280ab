//! The check of all schedules before anything runs, and when they are due next.

use athyper::schedule::{MissedTicks, Overlap, Schedule, SchedulePlan, Tick};

use crate::support::{Beat, at, schedule};

fn beat(tick: &Tick) -> Beat {
    Beat { schedule: tick.schedule.clone(), at: tick.at }
}

#[test]
fn every_mistake_is_reported_at_once_with_its_place() {
    let schedules = vec![
        Schedule::cron("report", "0 0 * *").enqueue(beat),
        Schedule::cron("berlin", "0 0 * * *").tz("Europe/Berln").enqueue(beat),
        Schedule::cron("never", "0 0 30 2 *").enqueue(beat),
        Schedule::cron("a:b", "0 0 * * *").enqueue(beat),
        Schedule::cron("twice", "0 0 * * *").enqueue(beat),
        Schedule::cron("twice", "0 1 * * *").enqueue(beat),
        Schedule::cron("fine", "0 0 * * *").tz("Europe/Berlin").enqueue(beat),
    ];
    let problems = SchedulePlan::check(schedules, at("2026-01-01T00:00:00Z")).unwrap_err();
    let mut codes: Vec<_> = problems.iter().map(|problem| problem.code).collect();
    codes.sort_unstable();
    assert_eq!(
        codes,
        [
            "ATH-SCHEDULE-DUPLICATE",
            "ATH-SCHEDULE-EXPRESSION",
            "ATH-SCHEDULE-NAME",
            "ATH-SCHEDULE-NEVER",
            "ATH-SCHEDULE-ZONE"
        ]
    );
    let report = problems.to_string();
    for part in [
        "`0 0 * *` is not a cron expression: it has 4 fields",
        "`Europe/Berln` is not an IANA time zone",
        "`0 0 30 2 *` is never due",
        "a schedule cannot be named `a:b`",
        "2 schedules are named `twice`",
        "schedule `report`",
        file!(),
        "fix",
    ] {
        assert!(report.contains(part), "`{part}` is missing in\n{report}");
    }
    assert_eq!(problems.exit_code(), 70);
}

#[test]
fn the_next_ticks_tell_people_what_they_want_to_know() {
    let schedules = vec![
        schedule("b", "*/5 * * * *", MissedTicks::All, Overlap::Queue),
        Schedule::cron("a", "30 2 * * *").tz("Europe/Berlin").enqueue(beat),
    ];
    let plan = SchedulePlan::check(schedules, at("2026-01-01T00:00:00Z")).unwrap();
    let ticks = plan.next_ticks(at("2026-03-28T12:00:00Z"));
    assert_eq!(ticks.iter().map(|tick| tick.schedule.as_str()).collect::<Vec<_>>(), ["a", "b"], "sorted by name");
    let nightly = &ticks[0];
    assert_eq!((nightly.expression.as_str(), nightly.zone.as_str()), ("30 2 * * *", "Europe/Berlin"));
    assert_eq!(nightly.at, Some(at("2026-03-29T01:00:00Z")));
    assert_eq!((nightly.kind, nightly.queue.as_str()), ("beat", "default"));
    assert_eq!((nightly.missed, nightly.overlap), (MissedTicks::Once, Overlap::Skip), "the defaults");
    assert!(nightly.description.contains("02:30"), "{}", nightly.description);
    assert!(nightly.place.to_string().starts_with(file!()));
    assert_eq!(plan.next_due(at("2026-03-28T12:00:00Z")), Some(at("2026-03-28T12:05:00Z")));
    assert_eq!(SchedulePlan::default().next_due(at("2026-03-28T12:00:00Z")), None);
}
