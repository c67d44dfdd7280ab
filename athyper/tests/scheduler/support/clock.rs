//! Several processes on one machine, in virtual time: one boot-time reading, a wall clock each.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use athyper::clock::{Clock, Timestamp};
use chrono::TimeDelta;
use tokio::sync::Notify;

#[derive(Debug)]
struct Machine {
    wall: Timestamp,
    since_boot: Duration,
}

/// The clock of one process; [`another`](Self::another) makes that of a second process on the same machine.
#[derive(Debug)]
pub(crate) struct TestClock {
    machine: Arc<Mutex<Machine>>,
    moved: Arc<Notify>,
    skew: Mutex<TimeDelta>,
    boot_id: Arc<Mutex<&'static str>>,
}

impl TestClock {
    pub(crate) fn at(wall: &str) -> Arc<Self> {
        Arc::new(Self {
            machine: Arc::new(Mutex::new(Machine {
                wall: wall.parse().unwrap(),
                since_boot: Duration::from_secs(1_000),
            })),
            moved: Arc::default(),
            skew: Mutex::default(),
            boot_id: Arc::new(Mutex::new("first")),
        })
    }

    pub(crate) fn another(&self) -> Arc<Self> {
        Arc::new(Self {
            machine: Arc::clone(&self.machine),
            moved: Arc::clone(&self.moved),
            skew: Mutex::default(),
            boot_id: Arc::clone(&self.boot_id),
        })
    }

    /// Lets time pass for every process.
    pub(crate) fn pass(&self, duration: Duration) {
        let mut machine = self.machine.lock().unwrap();
        machine.wall += duration;
        machine.since_boot += duration;
        drop(machine);
        self.moved.notify_waiters();
    }

    /// Sets how far this process's wall clock is off; a change of it is a jump.
    pub(crate) fn skew(&self, skew: TimeDelta) {
        *self.skew.lock().unwrap() = skew;
        self.moved.notify_waiters();
    }

    pub(crate) fn restart_machine(&self) {
        self.machine.lock().unwrap().since_boot = Duration::from_millis(1);
        *self.boot_id.lock().unwrap() = "second";
        self.moved.notify_waiters();
    }
}

#[async_trait::async_trait]
impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        self.machine.lock().unwrap().wall + *self.skew.lock().unwrap()
    }

    fn since_boot(&self) -> Duration {
        self.machine.lock().unwrap().since_boot
    }

    fn boot_id(&self) -> &str {
        *self.boot_id.lock().unwrap()
    }

    async fn sleep_until(&self, deadline: Duration) {
        loop {
            let moved = self.moved.notified();
            tokio::pin!(moved);
            moved.as_mut().enable();
            if self.since_boot() >= deadline {
                return;
            }
            moved.await;
        }
    }
}
