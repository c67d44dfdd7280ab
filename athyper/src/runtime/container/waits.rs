//! Who waits for whom while components are built: the guard against constructors that wait for each other for ever.
//!
//! The check of the graph keeps cycles out, `Lazy` excepted: it closes no cycle as long as it is resolved after its owner
//! was built. Resolved earlier it may wait for its own owner, in one task or across two of them. Each wait is therefore an
//! edge here, and the one that would close a circle is refused.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

tokio::task_local! {
    /// What the running task builds. It is the only way to see that a constructor, through an object it got, comes back
    /// to the container.
    pub(super) static BUILDING: Arc<Frame>;
}

/// A component that is built at most once: of the container (scope 0) or of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct SlotId {
    pub(super) scope: u64,
    pub(super) provider: usize,
}

/// One run of a constructor, and the run that wanted it.
#[derive(Debug)]
pub(super) struct Frame {
    /// The address of its container, which outlives the run.
    container: usize,
    pub(super) provider: usize,
    /// What it fills and the number of the attempt; nothing for a transient component.
    pub(super) flight: Option<(SlotId, u64)>,
    pub(super) parent: Option<Arc<Frame>>,
    live: AtomicBool,
}

impl Frame {
    pub(super) fn new(
        container: usize,
        provider: usize,
        flight: Option<(SlotId, u64)>,
        parent: Option<Arc<Self>>,
    ) -> Arc<Self> {
        Arc::new(Self { container, provider, flight, parent, live: AtomicBool::new(true) })
    }

    /// The frame of the constructor that this task runs for a container.
    pub(super) fn of_task(container: usize) -> Option<Arc<Self>> {
        BUILDING.try_with(Arc::clone).ok().filter(|frame| frame.container == container)
    }

    pub(super) fn is_live(&self) -> bool {
        self.live.load(Ordering::Acquire)
    }

    pub(super) fn end(&self) {
        self.live.store(false, Ordering::Release);
    }

    /// This run and those that wait for it, innermost first.
    pub(super) fn chain(&self) -> impl Iterator<Item = &Self> {
        std::iter::successors(Some(self), |frame| frame.parent.as_deref())
    }
}

#[derive(Debug)]
struct Flight {
    attempt: u64,
    waits: Vec<SlotId>,
}

#[derive(Debug, Default)]
struct State {
    attempts: u64,
    flights: HashMap<SlotId, Flight>,
}

/// The components that are being built, and what each of them waits for.
#[derive(Debug, Default)]
pub(super) struct Waits(Mutex<State>);

impl Waits {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A constructor starts to fill a slot.
    pub(super) fn begin(&self, slot: SlotId) -> InFlight<'_> {
        let mut state = self.state();
        state.attempts += 1;
        let attempt = state.attempts;
        state.flights.insert(slot, Flight { attempt, waits: Vec::new() });
        InFlight { waits: self, slot, attempt }
    }

    /// A constructor starts to wait for a slot; nothing is recorded when nobody who is being built waits.
    ///
    /// # Errors
    /// The circle of providers, from the one that waits over the one it waits for back to itself.
    pub(super) fn wait(&self, frame: Option<&Frame>, target: SlotId) -> Result<Option<Waiting<'_>>, Vec<usize>> {
        let Some((slot, attempt)) = frame.and_then(|frame| frame.chain().find_map(|frame| frame.flight)) else {
            return Ok(None);
        };
        let mut state = self.state();
        if state.flights.get(&slot).is_none_or(|flight| flight.attempt != attempt) {
            return Ok(None);
        }
        if let Some(path) = path(&state, target, slot) {
            return Err(std::iter::once(slot).chain(path).map(|slot| slot.provider).collect());
        }
        if let Some(flight) = state.flights.get_mut(&slot) {
            flight.waits.push(target);
        }
        Ok(Some(Waiting { waits: self, slot, attempt, target }))
    }
}

/// The shortest way from one slot to another along what waits for what.
fn path(state: &State, from: SlotId, to: SlotId) -> Option<Vec<SlotId>> {
    let mut queue = VecDeque::from([vec![from]]);
    let mut seen = HashSet::from([from]);
    while let Some(way) = queue.pop_front() {
        let last = *way.last()?;
        if last == to {
            return Some(way);
        }
        for next in state.flights.get(&last).into_iter().flat_map(|flight| &flight.waits) {
            if seen.insert(*next) {
                queue.push_back(way.iter().chain([next]).copied().collect());
            }
        }
    }
    None
}

/// A constructor that fills a slot; dropping it ends the attempt.
#[derive(Debug)]
pub(super) struct InFlight<'a> {
    waits: &'a Waits,
    pub(super) slot: SlotId,
    pub(super) attempt: u64,
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.waits.state().flights.remove(&self.slot);
    }
}

/// A wait; dropping it ends it.
#[derive(Debug)]
pub(super) struct Waiting<'a> {
    waits: &'a Waits,
    slot: SlotId,
    attempt: u64,
    target: SlotId,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut state = self.waits.state();
        if let Some(flight) = state.flights.get_mut(&self.slot).filter(|flight| flight.attempt == self.attempt)
            && let Some(index) = flight.waits.iter().position(|target| *target == self.target)
        {
            flight.waits.swap_remove(index);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Frame, InFlight, SlotId, Waits};
    use std::sync::Arc;

    const fn slot(provider: usize) -> SlotId {
        SlotId { scope: 0, provider }
    }

    fn frame(flight: &InFlight<'_>) -> Arc<Frame> {
        Frame::new(1, flight.slot.provider, Some((flight.slot, flight.attempt)), None)
    }

    #[test]
    fn a_wait_that_closes_a_circle_is_refused_with_the_way() {
        let waits = Waits::default();
        let (first, second, third) = (waits.begin(slot(1)), waits.begin(slot(2)), waits.begin(slot(3)));
        let _one = waits.wait(Some(&frame(&first)), slot(2)).unwrap().unwrap();
        let _two = waits.wait(Some(&frame(&second)), slot(3)).unwrap().unwrap();
        assert_eq!(waits.wait(Some(&frame(&third)), slot(1)).unwrap_err(), [3, 1, 2, 3]);
        assert_eq!(waits.wait(Some(&frame(&third)), slot(3)).unwrap_err(), [3, 3]);
        assert!(waits.wait(None, slot(1)).unwrap().is_none(), "nobody waits for who only uses the container");
    }

    #[test]
    fn a_wait_that_ended_closes_nothing() {
        let waits = Waits::default();
        let (first, second) = (waits.begin(slot(1)), waits.begin(slot(2)));
        drop(waits.wait(Some(&frame(&first)), slot(2)).unwrap());
        assert!(waits.wait(Some(&frame(&second)), slot(1)).unwrap().is_some());
    }

    #[test]
    fn an_attempt_that_ended_waits_for_nothing() {
        let waits = Waits::default();
        let first = waits.begin(slot(1));
        let ended = frame(&first);
        drop(first);
        let _again = waits.begin(slot(1));
        assert!(waits.wait(Some(&ended), slot(2)).unwrap().is_none());
    }

    #[test]
    fn components_of_one_provider_in_two_requests_do_not_wait_for_each_other() {
        let waits = Waits::default();
        let of = |scope| SlotId { scope, provider: 1 };
        let first = waits.begin(of(7));
        let _other = waits.begin(of(8));
        assert!(waits.wait(Some(&frame(&first)), of(8)).unwrap().is_some());
    }
}
