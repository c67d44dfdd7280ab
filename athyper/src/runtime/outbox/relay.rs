//! The relay: moves messages of an outbox to their destination, batch by batch.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::{Either, select};
use tokio::sync::Mutex;

use super::observer::Observer;
use super::status::{RelayHealth, SharedStatus};
use crate::foundation::clock::{Clock, ClockExt};
use crate::foundation::error::{Error, ErrorKind, Result};
use crate::foundation::health::HealthCheck;
use crate::foundation::jobs::{Delivered, Delivery};
use crate::foundation::metrics::MetricsRegistry;
use crate::foundation::outbox::{
    Destination, Outbox, OutboxAnswer, OutboxBatch, OutboxCounts, OutboxStep, Settled, Settlement,
};

/// For how long other relays leave the messages to this one unless it takes another step.
const LEASE: Duration = Duration::from_secs(5);
/// The longest rest between two looks: what no news tell of is found by then.
const REST: Duration = Duration::from_secs(1);
/// The rest while another relay is at work: it hears the same news.
const ASIDE: Duration = Duration::from_millis(500);
/// The first and the longest rest after a failure.
const PAUSE: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));
/// How many messages are moved together at most.
const MOST: usize = 500;
/// How often a message alone may meet a failure that might be its own fault, before it is set aside.
const TRIES: u32 = 5;
/// How often what stands where is looked up.
const COUNTED_EVERY: Duration = Duration::from_secs(10);

/// Moves messages of an outbox to their destination: in their order, each once, by one relay of all processes at a time.
///
/// Each process runs [`run`](Self::run). Tests drive [`move_all`](Self::move_all) instead. Dropping a relay without stopping it is
/// like killing it: another one goes on when its lease has run out, after five seconds.
///
/// A batch has a number that is written down before it is moved and by which its destination knows it again. Whoever does not know
/// whether it has arrived, or takes over from a relay that died, sends it once more under the same number.
#[derive(Debug)]
pub struct Relay {
    outbox: Arc<dyn Outbox>,
    destination: Arc<dyn Destination>,
    clock: Arc<dyn Clock>,
    holder: String,
    pace: Mutex<Pace>,
    stops: AtomicBool,
    status: SharedStatus,
    observer: Observer,
}

/// How a relay goes on.
#[derive(Debug)]
struct Pace {
    /// How many messages are moved together: fewer while one of them is refused, to find out which.
    together: usize,
    /// What became of the latest batch, as long as it may not have been written down.
    settled: Option<Settled>,
    /// How often the latest message alone has failed.
    tries: u32,
    /// The clock's reading when what stands where was last looked up.
    counted: Option<Duration>,
}

/// How one look ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Look {
    Empty,
    Elsewhere,
}

impl Relay {
    /// A relay that has not begun; it touches no store yet.
    ///
    /// # Errors
    /// `Configuration` when one of its metrics is taken by another kind of metric.
    pub fn new(
        outbox: Arc<dyn Outbox>,
        destination: Arc<dyn Destination>,
        clock: Arc<dyn Clock>,
        metrics: &MetricsRegistry,
    ) -> Result<Self> {
        let observer = Observer::new(metrics, destination.name())?;
        let pace = Pace { together: MOST, settled: None, tries: 0, counted: None };
        Ok(Self {
            outbox,
            destination,
            clock,
            // Never reused, not even by the same process.
            holder: uuid::Uuid::now_v7().to_string(),
            pace: Mutex::new(pace),
            stops: AtomicBool::new(false),
            status: SharedStatus::default(),
            observer,
        })
    }

    /// Moves messages until `stop` is ready, then finishes the batch under way and lets another relay go on.
    ///
    /// It never fails: what goes wrong is logged, shows in [`health`](Self::health), and is tried again within five seconds.
    ///
    /// # Cancel safety
    /// Dropping the future is safe; others then go on after five seconds.
    pub async fn run(&self, stop: impl Future<Output = ()> + Send) {
        let mut stop = pin!(stop);
        {
            let mut status = self.status.lock();
            (status.running, status.last_look) = (true, self.clock.since_boot());
        }
        // Before the first look, so that a commit between looking and waiting is not missed.
        let (mut seen, mut pause) = (self.outbox.news(u64::MAX, Duration::ZERO).await, PAUSE.0);
        loop {
            let mut round = pin!(self.round());
            let outcome = match select(stop.as_mut(), round.as_mut()).await {
                Either::Left(_) => {
                    self.stops.store(true, Ordering::Relaxed);
                    let _told = round.await;
                    break;
                }
                Either::Right((outcome, _)) => outcome,
            };
            let rest = async {
                match outcome {
                    Some(Look::Empty) => seen = self.outbox.news(seen, REST).await,
                    Some(Look::Elsewhere) => self.clock.sleep(ASIDE).await,
                    None => self.clock.sleep(pause).await,
                }
            };
            if let Either::Left(_) = select(stop.as_mut(), pin!(rest)).await {
                break;
            }
            pause = if outcome.is_none() { (pause * 2).min(PAUSE.1) } else { PAUSE.0 };
        }
        self.status.lock().running = false;
        if let Err(error) = self.give_way().await {
            tracing::warn!(error = error.report(), "the relay of the outbox could not say that it stops");
        }
    }

    /// Moves at once all that is committed; answers how many messages arrived.
    ///
    /// Nothing is moved while another relay is at work.
    ///
    /// # Errors
    /// The first error of a store; what was moved before it stays moved.
    pub async fn move_all(&self) -> Result<usize> {
        let mut moved = 0;
        self.look(&mut moved).await?;
        Ok(moved)
    }

    /// Whether it does its work: its loop moves, messages arrive, none is refused.
    #[must_use]
    pub fn health(&self) -> Arc<dyn HealthCheck> {
        Arc::new(RelayHealth {
            status: self.status.clone(),
            clock: Arc::clone(&self.clock),
            destination: self.destination.name().to_owned(),
        })
    }

    /// One round of the background loop; `None` when something failed.
    async fn round(&self) -> Option<Look> {
        let (look, error) = match self.look(&mut 0).await {
            Ok(look) => (Some(look), None),
            Err(error) => {
                // What waits because of it is worth knowing; if that cannot be known either, the error says more.
                let counted = self.count(&mut *self.pace.lock().await, PAUSE.1).await;
                if counted.is_ok() {
                    // Another process may be able to reach what this one cannot.
                    let _unknown = self.give_way().await;
                }
                (None, Some(error.report()))
            }
        };
        if error.is_some() {
            self.observer.fault();
        }
        self.note(error);
        look
    }

    /// Notes that something was done, or what failed.
    fn note(&self, error: Option<String>) {
        let mut status = self.status.lock();
        status.last_look = self.clock.since_boot();
        if let Some(error) = &error {
            if status.error.as_ref() != Some(error) {
                tracing::error!(
                    destination = self.destination.name(),
                    error,
                    "messages of the outbox cannot be moved; they stay, and it is tried again within five seconds"
                );
            }
        } else if status.error.is_some() {
            tracing::info!(destination = self.destination.name(), "messages of the outbox are moved again");
        }
        status.error = error;
    }

    /// Moves what is committed, until nothing is left.
    async fn look(&self, moved: &mut usize) -> Result<Look> {
        let mut pace = self.pace.lock().await;
        // A look costs no write, so that an idle relay is in nobody's way.
        if !self.has_work(&mut pace).await? && pace.settled.is_none() {
            return Ok(Look::Empty);
        }
        while !self.stops.load(Ordering::Relaxed) {
            let step = self.step(pace.together, pace.settled.clone());
            let answer = self.outbox.step(&step).await?;
            pace.settled = None;
            let batch = match answer {
                OutboxAnswer::Batch(batch) => batch,
                OutboxAnswer::Nothing => return Ok(Look::Empty),
                OutboxAnswer::Elsewhere => return Ok(Look::Elsewhere),
            };
            let settlement = self.deliver(&mut pace, &batch).await?;
            if settlement == Settlement::Moved {
                *moved += batch.messages.len();
                self.observer.moved(batch.messages.len());
            }
            pace.settled = Some(Settled { number: batch.delivery.number, settlement });
            self.note(None);
            self.count(&mut pace, COUNTED_EVERY).await?;
        }
        Ok(Look::Empty)
    }

    fn step(&self, max: usize, settled: Option<Settled>) -> OutboxStep {
        OutboxStep {
            destination: self.destination.name().to_owned(),
            holder: self.holder.clone(),
            lease: LEASE,
            max,
            settled,
        }
    }

    /// Moves a batch; an error leaves it to be moved again under the same number.
    async fn deliver(&self, pace: &mut Pace, batch: &OutboxBatch) -> Result<Settlement> {
        let count = batch.messages.len();
        let error = match self.destination.deliver(&batch.delivery, &batch.messages).await {
            Ok(Delivered::Now | Delivered::Before) => {
                (pace.together, pace.tries) = ((pace.together * 2).min(MOST), 0);
                return Ok(Settlement::Moved);
            }
            Ok(Delivered::Overtaken) => return Ok(Settlement::Released),
            Err(error) => error,
        };
        if !may_be_a_messages_fault(&error) {
            return Err(error);
        }
        let may_pass = matches!(error.kind(), ErrorKind::Internal | ErrorKind::Conflict);
        if count == 1 && may_pass && error.code() != "job-flow-parent" {
            pace.tries += 1;
            if pace.tries < TRIES {
                return Err(error);
            }
        }
        // Under this number they must not arrive any more, also from a relay that stood still on the way: the next number is used up,
        // and makes it too late for this one. Were this one used up, nobody could tell that from its arrival.
        let next = Delivery { number: batch.delivery.number + 1, ..batch.delivery.clone() };
        self.destination.deliver(&next, &[]).await?;
        if self.destination.deliver(&batch.delivery, &[]).await? == Delivered::Before {
            return Ok(Settlement::Moved);
        }
        pace.tries = 0;
        pace.together = (count / 2).max(1);
        if count > 1 {
            return Ok(Settlement::Released);
        }
        let error = error.report();
        let id = batch.messages.first().map(|message| message.id.as_str());
        tracing::error!(
            destination = self.destination.name(),
            id,
            error,
            "a message of the outbox is refused and set aside"
        );
        self.observer.refused();
        Ok(Settlement::Failed { error })
    }

    /// Writes down what became of the latest batch, and gives the lease up.
    async fn give_way(&self) -> Result<()> {
        let mut pace = self.pace.lock().await;
        let step = self.step(0, pace.settled.clone());
        self.outbox.step(&step).await?;
        pace.settled = None;
        Ok(())
    }

    /// Whether a message waits. Now and then that is asked by counting them, so that an idle relay asks one question a look.
    async fn has_work(&self, pace: &mut Pace) -> Result<bool> {
        match self.count(pace, COUNTED_EVERY).await? {
            Some(counts) => Ok(counts.waiting > 0),
            None => self.outbox.has_waiting(self.destination.name()).await,
        }
    }

    /// Looks up what stands where, unless that was done within a time.
    async fn count(&self, pace: &mut Pace, every: Duration) -> Result<Option<OutboxCounts>> {
        let now = self.clock.since_boot();
        if pace.counted.is_some_and(|counted| now.saturating_sub(counted) < every) {
            return Ok(None);
        }
        let counts = self.outbox.counts(self.destination.name()).await?;
        pace.counted = Some(now);
        self.observer.looked_up(&counts, self.clock.now());
        self.status.lock().counts = counts;
        Ok(Some(counts))
    }
}

/// Whether a destination may have refused a message for what it is. Everything else passes, or is everybody's.
fn may_be_a_messages_fault(error: &Error) -> bool {
    // What another transaction holds it lets go of.
    if matches!(error.code(), "sql-locked" | "sql-serialization" | "sql-deadlock") {
        return false;
    }
    use ErrorKind::{Conflict, Internal, Invalid, NotFound, TooLarge};
    matches!(error.kind(), Invalid | TooLarge | NotFound | Conflict | Internal)
}
