//! A clock that only a test moves.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use async_trait::async_trait;
use athyper::clock::{Clock, Timestamp, to_microseconds};
use chrono::TimeDelta;

/// A clock that only a test moves: [`advance`](Self::advance) lets time pass and wakes whoever waits, one after the other
/// in the order of what is due, each at the time it asked for.
///
/// A clone made by [`another`](Self::another) is the clock of a second process on the same machine: time passes for both,
/// and each wall clock can be off by itself.
///
/// ```
/// use std::time::Duration;
/// use athyper::clock::{Clock, ClockExt};
/// use athyper_testkit::clock::VirtualClock;
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let clock = VirtualClock::new();
/// clock.set("2026-03-28T22:59:00Z");
/// let alarm = tokio::spawn({
///     let clock = clock.clone();
///     async move {
///         clock.sleep(Duration::from_secs(60)).await;
///         clock.now()
///     }
/// });
/// clock.advance_minutes(5).await;
/// assert_eq!(alarm.await.unwrap().to_rfc3339(), "2026-03-28T23:00:00+00:00");
/// assert_eq!(clock.now().to_rfc3339(), "2026-03-28T23:04:00+00:00");
/// # });
/// ```
pub struct VirtualClock {
    machine: Arc<Machine>,
    skew: Mutex<TimeDelta>,
}

#[derive(Debug)]
struct Machine {
    boot_id: String,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    wall: Timestamp,
    since_boot: Duration,
    next_sleeper: u64,
    /// Who waits, by what is due first and came first.
    sleepers: BTreeMap<(Duration, u64), Waker>,
    /// Who was woken and did not look at the clock yet.
    woken: BTreeSet<u64>,
}

/// An instant, or its RFC 3339 text.
pub trait IntoTimestamp {
    /// The instant.
    ///
    /// # Panics
    /// If it is no instant.
    fn into_timestamp(self) -> Timestamp;
}

impl IntoTimestamp for Timestamp {
    fn into_timestamp(self) -> Timestamp {
        self
    }
}

impl IntoTimestamp for &str {
    #[track_caller]
    fn into_timestamp(self) -> Timestamp {
        match self.parse() {
            Ok(instant) => instant,
            Err(error) => panic!("`{self}` is not an instant such as 2026-03-28T22:59:00Z: {error}"),
        }
    }
}

/// How often tasks that are ready get their turn before time moves on: enough to hand something on a few times.
const QUIET_TURNS: u32 = 16;

/// How often a sleeper that does not look at the clock is waited for. One that stands in a `select!` whose other branch is
/// being worked on may never look, and time must move on for it to come free.
const TURNS: u32 = 256;

impl VirtualClock {
    /// A clock at the beginning of 2026, on a machine that booted an hour ago.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Self::starting_at("2026-01-01T00:00:00Z")
    }

    /// A clock at an instant, on a machine that booted an hour ago.
    ///
    /// # Panics
    /// If it is text and no instant.
    #[must_use]
    #[track_caller]
    pub fn starting_at(wall: impl IntoTimestamp) -> Arc<Self> {
        Self::boot("virtual-boot-1".to_owned(), wall.into_timestamp(), Duration::from_secs(3_600))
    }

    fn boot(boot_id: String, wall: Timestamp, since_boot: Duration) -> Arc<Self> {
        let state = State {
            wall: to_microseconds(wall),
            since_boot,
            next_sleeper: 0,
            sleepers: BTreeMap::new(),
            woken: BTreeSet::new(),
        };
        let machine = Machine { boot_id, state: Mutex::new(state) };
        Arc::new(Self { machine: Arc::new(machine), skew: Mutex::default() })
    }

    /// The clock of another process on the same machine.
    #[must_use]
    pub fn another(&self) -> Arc<Self> {
        Arc::new(Self { machine: Arc::clone(&self.machine), skew: Mutex::default() })
    }

    /// The clock of the machine after it restarted: wall time goes on, the time since boot begins anew under another boot
    /// id. Who waits on the clocks of before waits for ever.
    #[must_use]
    pub fn restarted(&self) -> Arc<Self> {
        let number: u64 = self.machine.boot_id.rsplit('-').next().and_then(|number| number.parse().ok()).unwrap_or(0);
        Self::boot(format!("virtual-boot-{}", number + 1), self.state().wall, Duration::from_secs(1))
    }

    /// Sets the wall clock of the machine, forth or back, as an operator or a time server does: no time passes, so nobody
    /// wakes.
    ///
    /// # Panics
    /// If it is text and no instant.
    #[track_caller]
    pub fn set(&self, wall: impl IntoTimestamp) {
        let wall = to_microseconds(wall.into_timestamp());
        self.state().wall = wall;
    }

    /// How far this process's wall clock is off from the machine's.
    pub fn skew(&self, skew: TimeDelta) {
        *self.skew.lock().unwrap_or_else(PoisonError::into_inner) = skew;
    }

    /// Lets time pass. Whoever waits for an instant on the way wakes exactly then, in order, and gets to run before time
    /// goes on.
    ///
    /// # Cancel safety
    /// Time stays where it has come to.
    pub async fn advance(&self, duration: Duration) {
        let end = self.state().since_boot.saturating_add(duration);
        self.advance_to(end).await;
    }

    /// [`advance`](Self::advance) by seconds.
    pub async fn advance_seconds(&self, seconds: u64) {
        self.advance(Duration::from_secs(seconds)).await;
    }

    /// [`advance`](Self::advance) by minutes.
    pub async fn advance_minutes(&self, minutes: u64) {
        self.advance(Duration::from_secs(minutes * 60)).await;
    }

    /// [`advance`](Self::advance) by hours.
    pub async fn advance_hours(&self, hours: u64) {
        self.advance(Duration::from_secs(hours * 3_600)).await;
    }

    /// [`advance`](Self::advance) by days of 24 hours.
    pub async fn advance_days(&self, days: u64) {
        self.advance(Duration::from_secs(days * 86_400)).await;
    }

    /// [`advance`](Self::advance) until [`since_boot`](Clock::since_boot) reaches `end`; never back.
    pub async fn advance_to(&self, end: Duration) {
        self.settle().await;
        while self.wake_next(end) {
            self.settle().await;
        }
        self.state().move_to(end);
        self.settle().await;
    }

    /// The reading of [`since_boot`](Clock::since_boot) at which the next sleeper wakes.
    #[must_use]
    pub fn next_wake(&self) -> Option<Duration> {
        self.state().sleepers.first_key_value().map(|((deadline, _), _)| *deadline)
    }

    /// How many wait.
    #[must_use]
    pub fn sleepers(&self) -> usize {
        self.state().sleepers.len()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.machine.state()
    }

    /// Moves on to the next sleeper and wakes it, if one is due by `end`.
    fn wake_next(&self, end: Duration) -> bool {
        let mut state = self.state();
        let Some(entry) = state.sleepers.first_entry().filter(|entry| entry.key().0 <= end) else { return false };
        let ((deadline, sleeper), waker) = entry.remove_entry();
        state.woken.insert(sleeper);
        state.move_to(deadline);
        drop(state);
        waker.wake();
        true
    }

    /// Lets every task that is ready run, until those that were woken have looked at the clock and all is quiet.
    async fn settle(&self) {
        let mut quiet = 0;
        for turn in 0..TURNS {
            if turn < QUIET_TURNS {
                tokio::task::yield_now().await;
            } else if tokio::task::spawn_blocking(|| ()).await.is_err() {
                return; // the runtime ends
            }
            quiet = if self.state().woken.is_empty() { quiet + 1 } else { 0 };
            if quiet >= QUIET_TURNS {
                return;
            }
        }
        self.state().woken.clear();
    }
}

impl State {
    fn move_to(&mut self, since_boot: Duration) {
        let passed = since_boot.saturating_sub(self.since_boot);
        self.wall += passed;
        self.since_boot += passed;
    }

    fn forget(&mut self, deadline: Duration, sleeper: u64) {
        self.sleepers.remove(&(deadline, sleeper));
        self.woken.remove(&sleeper);
    }
}

impl Machine {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for VirtualClock {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        formatter
            .debug_struct("VirtualClock")
            .field("wall", &state.wall)
            .field("since_boot", &state.since_boot)
            .field("sleepers", &state.sleepers.len())
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        to_microseconds(self.state().wall + *self.skew.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn since_boot(&self) -> Duration {
        self.state().since_boot
    }

    fn boot_id(&self) -> &str {
        &self.machine.boot_id
    }

    async fn sleep_until(&self, deadline: Duration) {
        Sleep { machine: &self.machine, deadline, sleeper: None }.await;
    }
}

/// A wait for a deadline; it takes its place in the row when it is polled first.
struct Sleep<'a> {
    machine: &'a Machine,
    deadline: Duration,
    sleeper: Option<u64>,
}

impl Future for Sleep<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut state = self.machine.state();
        if state.since_boot >= self.deadline {
            if let Some(sleeper) = self.sleeper {
                state.forget(self.deadline, sleeper);
            }
            return Poll::Ready(());
        }
        let sleeper = self.sleeper.unwrap_or_else(|| {
            state.next_sleeper += 1;
            state.next_sleeper
        });
        state.sleepers.insert((self.deadline, sleeper), context.waker().clone());
        drop(state);
        self.sleeper = Some(sleeper);
        Poll::Pending
    }
}

impl Drop for Sleep<'_> {
    fn drop(&mut self) {
        if let Some(sleeper) = self.sleeper {
            self.machine.state().forget(self.deadline, sleeper);
        }
    }
}
