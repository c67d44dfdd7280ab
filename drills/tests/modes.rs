//! One SQLite file, several processes: each does its own part only, and each tick fires once whatever happens to the leader.
#![allow(clippy::disallowed_methods, reason = "drills watch real processes in real time")]

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use drills::clock::FakeClock;
use drills::journal::Journal;
use drills::process::Running;
use drills::product::Product;
use drills::size::size;
use drills::wait;

const LEASE: Duration = Duration::from_secs(2);
const PATIENCE: Duration = Duration::from_secs(60);

fn product() -> Product {
    Product::drill()
        .with("ATHYPER__SCHEDULER__LEASE", "2s")
        .with("ATHYPER__SCHEDULER__GRACE", "1s")
        .with("ATHYPER__JOBS__LOCK", "5s")
        .with("ATHYPER__JOBS__STALLED_INTERVAL", "1s")
}

/// The ticks of a schedule that jobs wrote down, and how often each.
fn ticks(journal: &Journal, name: &str) -> BTreeMap<i64, usize> {
    let mut seen = BTreeMap::new();
    for event in journal.of("tick").iter().filter(|event| event.word(0) == name) {
        *seen.entry(event.word(1).parse().expect("a tick is a number of seconds")).or_default() += 1;
    }
    seen
}

fn assert_none_twice(journal: &Journal) {
    for name in ["all", "once", "skip"] {
        let twice: Vec<_> = ticks(journal, name).into_iter().filter(|(_, times)| *times > 1).collect();
        assert!(twice.is_empty(), "ticks of `{name}` that fired more than once: {twice:?}");
    }
}

fn assert_no_gap(journal: &Journal) {
    let seen: Vec<i64> = ticks(journal, "all").into_keys().collect();
    let gaps: Vec<_> = seen.windows(2).filter(|pair| pair[1] - pair[0] != 1).map(|pair| (pair[0], pair[1])).collect();
    assert!(gaps.is_empty(), "ticks of `all` are missing between {gaps:?}");
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    i64::try_from(since.as_secs()).expect("fits")
}

fn latest(journal: &Journal) -> i64 {
    ticks(journal, "all").into_keys().next_back().unwrap_or_default()
}

#[track_caller]
fn await_tick(journal: &Journal, after: i64) {
    wait::until("a further tick fires", PATIENCE, || (latest(journal) > after).then_some(()));
}

/// Two schedulers of which one leads; the leader comes first. Each has a clock of its own.
struct Schedulers {
    running: Vec<(Running, FakeClock)>,
}

impl Schedulers {
    fn start(product: &Product, journal: &Journal) -> Self {
        let mut running = Vec::new();
        for number in 0..2 {
            let folder = product.folder().join(format!("clock-{number}-{}", now()));
            std::fs::create_dir(&folder).expect("the folder is writable");
            running.push(Self::one(product, &folder));
            // The first one has the lease before the second one asks for it.
            if number == 0 {
                await_tick(journal, 0);
            }
        }
        Self { running }
    }

    fn one(product: &Product, folder: &std::path::Path) -> (Running, FakeClock) {
        let clock = FakeClock::new(folder).expect("a clock");
        let mut more = clock.environment();
        more.push(("MODE".to_owned(), "scheduler".to_owned()));
        (product.start_with(&more), clock)
    }

    fn leader(&mut self) -> &mut (Running, FakeClock) {
        &mut self.running[0]
    }
}

#[test]
fn an_api_process_executes_no_job() {
    let product = product();
    let journal = product.journal();
    let api = product.start_mode("api");
    for number in 0..20 {
        let added = api.post("/work", &format!(r#"{{"id":"job-{number}","milliseconds":1}}"#));
        assert_eq!(added.status, 201, "{}", added.text());
    }
    wait::throughout("no job starts without a worker", Duration::from_secs(2), || journal.of("start").is_empty());

    let worker = product.start_mode("worker");
    wait::until("the worker does all", PATIENCE, || (journal.of("done").len() >= 20).then_some(()));
    for event in journal.of("start") {
        assert_eq!(event.word(2), worker.id().to_string(), "{event:?} ran in another process than the worker");
    }
    assert!(journal.of("tick").is_empty(), "ticks fire without a scheduler");
    // Product HTTP is served by the API alone.
    assert!(matches!(drills::client::get(worker.http, "/slow/a/1"), drills::client::Outcome::Refused(_)));
}

#[test]
fn a_standby_takes_over_from_a_leader_that_is_killed() {
    let product = product();
    let journal = product.journal();
    let _worker = product.start_mode("worker");
    let mut longest = Duration::ZERO;
    for round in 0..size(3, 200) {
        let mut schedulers = Schedulers::start(&product, &journal);
        let before = latest(&journal);
        await_tick(&journal, before);
        let killed = std::time::Instant::now();
        let before = latest(&journal);
        schedulers.leader().0.kill().expect("a running process can be killed");
        await_tick(&journal, before + 1);
        longest = longest.max(killed.elapsed());
        assert_none_twice(&journal);
        assert!(
            killed.elapsed() < LEASE + Duration::from_secs(4),
            "round {round}: taken over after {:?}",
            killed.elapsed()
        );
    }
    assert_no_gap(&journal);
    println!("longest take-over, until the first tick was run: {longest:?}");
}

#[test]
fn a_leader_that_was_paused_fires_nothing_twice() {
    let product = product();
    let journal = product.journal();
    let _worker = product.start_mode("worker");
    let mut schedulers = Schedulers::start(&product, &journal);
    for _ in 0..size(3, 200) {
        let before = latest(&journal);
        await_tick(&journal, before);
        schedulers.leader().0.pause().expect("a running process can be paused");
        let before = latest(&journal);
        // The standby leads before the old leader wakes up, in the middle of whatever it was doing.
        await_tick(&journal, before + i64::try_from(LEASE.as_secs()).expect("fits"));
        schedulers.leader().0.resume().expect("a paused process can be resumed");
        let before = latest(&journal);
        await_tick(&journal, before + 2);
        assert_none_twice(&journal);
        schedulers.running.reverse();
    }
    assert_no_gap(&journal);
}

#[test]
fn a_clock_that_jumps_fires_nothing_twice_and_skips_nothing() {
    let product = product();
    let journal = product.journal();
    let _worker = product.start_mode("worker");
    let mut schedulers = Schedulers::start(&product, &journal);
    for seconds in [10, -10, size(30, 600), -size(30, 600)] {
        let before = latest(&journal);
        await_tick(&journal, before);
        schedulers.leader().1.shift(seconds).expect("the clock can be set");
        wait::throughout("no tick fires twice", Duration::from_secs(4), || {
            assert_none_twice(&journal);
            true
        });
        schedulers.leader().1.shift(0).expect("the clock can be set");
        // Ticks that fired early do not fire again; ticks that were due meanwhile are made up for.
        let reached = latest(&journal).max(now());
        await_tick_late(&journal, reached, seconds);
        assert_none_twice(&journal);
        assert_no_gap(&journal);
    }
}

/// Time passes the ticks that a clock which ran ahead fired early.
fn await_tick_late(journal: &Journal, reached: i64, seconds: i64) {
    let patience = PATIENCE + Duration::from_secs(seconds.unsigned_abs());
    wait::until("a further tick fires", patience, || (latest(journal) > reached).then_some(()));
}

#[test]
fn downtime_is_made_up_for_as_each_schedule_says() {
    let product = product();
    let journal = product.journal();
    let _worker = product.start_mode("worker");
    let mut scheduler = product.start_mode("scheduler");
    await_tick(&journal, 0);
    scheduler.kill().expect("a running process can be killed");
    let down_from = now() + 1;
    // It comes back between two ticks of ten seconds, so that the latest of them was missed and is not merely late.
    let back = (down_from + size(20, 120)) / 10 * 10 + 12;
    wait::until("time passes", PATIENCE + Duration::from_secs(120), || (now() >= back).then_some(()));
    let _scheduler = product.start_mode("scheduler");
    await_tick(&journal, now() + 10);

    assert_none_twice(&journal);
    assert_no_gap(&journal);
    let missed = |name: &str| -> Vec<i64> {
        ticks(&journal, name).into_keys().filter(|tick| (down_from..back).contains(tick)).collect()
    };
    assert_eq!(missed("all"), (down_from..back).collect::<Vec<_>>(), "all: every missed tick");
    assert_eq!(missed("once"), [back / 10 * 10], "once: the latest of the missed ticks");
    assert_eq!(missed("skip"), [0; 0], "skip: none of the missed ticks");
}

#[test]
fn a_tick_that_takes_longer_than_its_period_does_not_overlap() {
    let product = product();
    let journal = product.journal();
    let _all = product.start();
    wait::until("three long ticks end", PATIENCE, || (journal.of("long-end").len() >= 3).then_some(()));
    let mut running = 0_i32;
    for event in journal.events() {
        match event.what.as_str() {
            "long-start" => running += 1,
            "long-end" => running -= 1,
            _ => {}
        }
        assert!(running <= 1, "two ticks run at once: {event:?}");
    }
    let starts: Vec<i64> =
        journal.of("long-start").iter().map(|event| event.word(0).parse().expect("seconds")).collect();
    assert!(starts.windows(2).all(|pair| pair[1] - pair[0] >= 2), "ticks were queued, not passed over: {starts:?}");
}
