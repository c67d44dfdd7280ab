//! A machine's clock that tests move.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use athyper::clock::{Clock, Timestamp};
use athyper_testkit::conformance::leadership::StoreTime;
use chrono::TimeDelta;
use tokio::sync::Notify;

use crate::support::Folder;

#[derive(Debug)]
struct Reading {
    wall: Timestamp,
    since_boot: Duration,
    boot_id: &'static str,
}

/// A machine's clock that tests move.
#[derive(Debug)]
pub(crate) struct MachineClock {
    reading: Mutex<Reading>,
    moved: Notify,
}

impl MachineClock {
    pub(crate) fn new() -> Arc<Self> {
        let wall = "2026-01-01T00:00:00Z".parse().unwrap();
        let reading = Reading { wall, since_boot: Duration::from_secs(1_000), boot_id: "first" };
        Arc::new(Self { reading: Mutex::new(reading), moved: Notify::new() })
    }

    fn change(&self, change: impl FnOnce(&mut Reading)) {
        change(&mut self.reading.lock().unwrap());
        self.moved.notify_waiters();
    }

    /// Lets time pass.
    pub(crate) fn run_on(&self, duration: Duration) {
        self.change(|reading| {
            reading.wall += duration;
            reading.since_boot += duration;
        });
    }

    /// Lets the wall clock jump.
    pub(crate) fn jump(&self, by: TimeDelta) {
        self.change(|reading| reading.wall += by);
    }

    pub(crate) fn restart(&self) {
        self.change(|reading| {
            reading.since_boot = Duration::from_millis(1);
            reading.boot_id = "second";
        });
    }
}

#[async_trait::async_trait]
impl Clock for MachineClock {
    fn now(&self) -> Timestamp {
        self.reading.lock().unwrap().wall
    }

    fn since_boot(&self) -> Duration {
        self.reading.lock().unwrap().since_boot
    }

    fn boot_id(&self) -> &str {
        self.reading.lock().unwrap().boot_id
    }

    async fn sleep_until(&self, deadline: Duration) {
        loop {
            let mut moved = std::pin::pin!(self.moved.notified());
            moved.as_mut().enable();
            if self.since_boot() >= deadline {
                return;
            }
            moved.await;
        }
    }
}

/// The time of a store, which keeps the store's folder for as long.
pub(crate) struct TimeOf {
    pub(crate) clock: Arc<MachineClock>,
    pub(crate) _folder: Folder,
}

#[async_trait::async_trait]
impl StoreTime for TimeOf {
    async fn pass(&self, duration: Duration) {
        self.clock.run_on(duration);
    }

    async fn jump_wall_clock(&self, ahead: Duration) {
        self.clock.jump(TimeDelta::from_std(ahead).unwrap());
    }

    async fn restart_machine(&self) -> bool {
        self.clock.restart();
        true
    }
}
