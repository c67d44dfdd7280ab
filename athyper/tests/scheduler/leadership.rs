//! The leadership suite on the adapters, and on implementations with one fault each.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use athyper::Result;
use athyper::clock::Clock;
use athyper::leadership::{Leadership, Lease, MemoryLeadership};
use athyper_testkit::conformance::StoreClock;
use athyper_testkit::conformance::leadership::{CASES, LeadershipFixture, run};

async fn memory_fixture() -> LeadershipFixture {
    let clock = StoreClock::volatile();
    let leadership: Arc<dyn Leadership> = Arc::new(MemoryLeadership::new(clock.clone()));
    LeadershipFixture { other: leadership.clone(), leadership, time: clock }
}

mod on_memory {
    athyper_testkit::leadership_conformance!(super::memory_fixture);
}

/// What is wrong with an implementation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fault {
    None,
    RefusesEverybody,
    AnswersWithAnotherName,
    GivesItToEverybody,
    KnowsOneProcessOnly,
    ChecksAndTakesInTwoSteps,
    MakesANewEpochForItsHolder,
    DoesNotProlongForItsHolder,
    NeverRunsOut,
    RenewsWhatRanOut,
    CountsEpochsAHolder,
    KeepsTheEpochWhenFree,
    RenewsWithoutProlonging,
    RenewsForTwiceTheTime,
    RenewsForAStranger,
    RenewsAnEarlierEpoch,
    RenewsWhatNeverWas,
    ForgetsEpochsOnRelease,
    DoesNotRelease,
    ReleasesForAStranger,
    ReleasesAnEarlierEpoch,
    HasOneLeaseForAllNames,
    RunsOutByTheWallClock,
    IgnoresTheBoot,
}

impl Fault {
    const ALL: [Self; 23] = [
        Self::RefusesEverybody,
        Self::AnswersWithAnotherName,
        Self::GivesItToEverybody,
        Self::KnowsOneProcessOnly,
        Self::ChecksAndTakesInTwoSteps,
        Self::MakesANewEpochForItsHolder,
        Self::DoesNotProlongForItsHolder,
        Self::NeverRunsOut,
        Self::RenewsWhatRanOut,
        Self::CountsEpochsAHolder,
        Self::KeepsTheEpochWhenFree,
        Self::RenewsWithoutProlonging,
        Self::RenewsForTwiceTheTime,
        Self::RenewsForAStranger,
        Self::RenewsAnEarlierEpoch,
        Self::RenewsWhatNeverWas,
        Self::ForgetsEpochsOnRelease,
        Self::DoesNotRelease,
        Self::ReleasesForAStranger,
        Self::ReleasesAnEarlierEpoch,
        Self::HasOneLeaseForAllNames,
        Self::RunsOutByTheWallClock,
        Self::IgnoresTheBoot,
    ];
}

#[derive(Debug, Clone, Default)]
struct Entry {
    epoch: u64,
    holder: Option<String>,
    until: Duration,
    boot_id: String,
}

/// A store with one fault.
#[derive(Clone)]
struct Faulty {
    fault: Fault,
    clock: Arc<StoreClock>,
    leases: Arc<Mutex<HashMap<String, Entry>>>,
}

impl Faulty {
    fn has(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    fn key(&self, name: &str) -> String {
        if self.has(Fault::HasOneLeaseForAllNames) { "the lease".to_owned() } else { name.to_owned() }
    }

    fn now(&self) -> Duration {
        if self.has(Fault::RunsOutByTheWallClock) {
            Duration::from_secs(self.clock.now().timestamp().unsigned_abs())
        } else {
            self.clock.since_boot()
        }
    }

    fn is_running(&self, entry: &Entry) -> bool {
        let this_boot = self.has(Fault::IgnoresTheBoot) || entry.boot_id == self.clock.boot_id();
        entry.holder.is_some() && this_boot && (self.has(Fault::NeverRunsOut) || self.now() < entry.until)
    }
}

#[async_trait]
impl Leadership for Faulty {
    async fn acquire(&self, name: &str, holder: &str, duration: Duration) -> Result<Option<Lease>> {
        let key = self.key(name);
        let mut entry = self.leases.lock().unwrap().get(&key).cloned().unwrap_or_default();
        if self.has(Fault::ChecksAndTakesInTwoSteps) {
            tokio::task::yield_now().await;
        }
        let running = self.is_running(&entry);
        let mine = running && entry.holder.as_deref() == Some(holder);
        if self.has(Fault::RefusesEverybody) || running && !mine && !self.has(Fault::GivesItToEverybody) {
            return Ok(None);
        }
        let same_holder = entry.holder.as_deref() == Some(holder);
        let keeps_epoch = mine && !self.has(Fault::MakesANewEpochForItsHolder)
            || self.has(Fault::CountsEpochsAHolder) && same_holder
            || self.has(Fault::KeepsTheEpochWhenFree) && entry.epoch > 0;
        if !keeps_epoch {
            entry.epoch += 1;
        }
        if !mine || !self.has(Fault::DoesNotProlongForItsHolder) {
            entry.until = self.now() + duration;
        }
        entry.holder = Some(holder.to_owned());
        entry.boot_id = self.clock.boot_id().to_owned();
        let epoch = entry.epoch;
        self.leases.lock().unwrap().insert(key, entry);
        let name = if self.has(Fault::AnswersWithAnotherName) { holder } else { name };
        Ok(Some(Lease { name: name.to_owned(), holder: holder.to_owned(), epoch }))
    }

    async fn renew(&self, lease: &Lease, duration: Duration) -> Result<bool> {
        let mut leases = self.leases.lock().unwrap();
        let Some(entry) = leases.get_mut(&self.key(&lease.name)) else {
            return Ok(self.has(Fault::RenewsWhatNeverWas));
        };
        let running = self.is_running(entry) || self.has(Fault::RenewsWhatRanOut) && entry.holder.is_some();
        let holder = entry.holder.as_ref() == Some(&lease.holder) || self.has(Fault::RenewsForAStranger);
        let epoch = entry.epoch == lease.epoch || self.has(Fault::RenewsAnEarlierEpoch);
        let renewed = running && holder && epoch;
        if renewed && !self.has(Fault::RenewsWithoutProlonging) {
            let times = if self.has(Fault::RenewsForTwiceTheTime) { 2 } else { 1 };
            entry.until = self.now() + duration * times;
        }
        Ok(renewed)
    }

    async fn release(&self, lease: &Lease) -> Result<()> {
        let mut leases = self.leases.lock().unwrap();
        let key = self.key(&lease.name);
        let Some(entry) = leases.get_mut(&key) else { return Ok(()) };
        let holder = entry.holder.as_ref() == Some(&lease.holder) || self.has(Fault::ReleasesForAStranger);
        let epoch = entry.epoch == lease.epoch || self.has(Fault::ReleasesAnEarlierEpoch);
        if self.has(Fault::DoesNotRelease) || !holder || !epoch {
            return Ok(());
        }
        entry.holder = None;
        if self.has(Fault::ForgetsEpochsOnRelease) {
            leases.remove(&key);
        }
        Ok(())
    }
}

impl fmt::Debug for Faulty {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?}", self.fault)
    }
}

fn faulty_fixture(fault: Fault) -> LeadershipFixture {
    let clock = StoreClock::durable();
    let store = Faulty { fault, clock: clock.clone(), leases: Arc::default() };
    let mut other = store.clone();
    if fault == Fault::KnowsOneProcessOnly {
        other.leases = Arc::default();
    }
    LeadershipFixture { leadership: Arc::new(store), other: Arc::new(other), time: clock }
}

#[tokio::test]
async fn every_fault_is_found_and_every_case_finds_one() {
    for case in CASES {
        run(case, faulty_fixture(Fault::None)).await.unwrap_or_else(|violation| panic!("{case}: {violation}"));
    }
    let mut useful = BTreeSet::new();
    for fault in Fault::ALL {
        let mut found_by = Vec::new();
        for case in CASES {
            if run(case, faulty_fixture(fault)).await.is_err() {
                found_by.push(*case);
            }
        }
        assert!(!found_by.is_empty(), "no case finds an implementation that {fault:?}");
        // A store that refuses everybody fails every case and says nothing about them.
        if fault != Fault::RefusesEverybody {
            useful.extend(found_by);
        }
    }
    let useless: Vec<_> = CASES.iter().filter(|case| !useful.contains(**case)).collect();
    assert!(useless.is_empty(), "these cases find no fault: {useless:?}");
}
