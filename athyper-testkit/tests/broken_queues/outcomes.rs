//! Faults of recording what became of attempts.

use std::time::Duration;

use athyper::Result;
use athyper::jobs::{Finish, JobQueue, JobState, Lock, Outcome, Verdict};

use crate::broken::{BrokenQueue, reformat};
use crate::fault::Fault;

impl BrokenQueue {
    fn change_outcome(&self, lock: &Lock, outcome: Outcome) -> Outcome {
        let zero = Duration::ZERO;
        let far = |delay: Duration| delay * 1_000;
        match (self.fault, outcome) {
            (Some(Fault::LosesResults), Outcome::Complete(_)) => Outcome::Complete("null".into()),
            (Some(Fault::ReformatsResults), Outcome::Complete(json)) => Outcome::Complete(reformat(&json)),
            (Some(Fault::LosesErrors), Outcome::Fail { .. }) => Outcome::Fail { error: String::new() },
            (Some(Fault::LosesErrors), Outcome::Retry { delay, .. }) => Outcome::Retry { error: String::new(), delay },
            (Some(Fault::FailsRetries), Outcome::Retry { error, .. }) => Outcome::Fail { error },
            (Some(Fault::CompletesFailures), Outcome::Fail { .. }) => Outcome::Complete("null".into()),
            (Some(Fault::RetriesFailures), Outcome::Fail { error }) => {
                Outcome::Retry { error, delay: Duration::from_secs(60) }
            }
            (Some(Fault::DoesNotCountRetries), Outcome::Retry { delay, .. }) => Outcome::Snooze { delay },
            (Some(Fault::CountsSnoozes), Outcome::Snooze { delay }) => Outcome::Retry { error: String::new(), delay },
            (Some(Fault::CountsReleases), Outcome::Release) => Outcome::Retry { error: String::new(), delay: zero },
            (Some(Fault::MovesReleasedToTheEnd), Outcome::Release) => Outcome::Snooze { delay: zero },
            (Some(Fault::CountsParking), Outcome::Park { reason, delay }) => Outcome::Retry { error: reason, delay },
            (Some(Fault::RetriesAtOnce), Outcome::Retry { error, .. }) => Outcome::Retry { error, delay: zero },
            (Some(Fault::RetriesAtOnce), Outcome::Snooze { .. }) => Outcome::Snooze { delay: zero },
            (Some(Fault::DoublesDelays), Outcome::Retry { error, delay }) => Outcome::Retry { error, delay: delay * 2 },
            (Some(Fault::DoublesDelays), Outcome::Snooze { delay }) => Outcome::Snooze { delay: delay * 2 },
            (Some(Fault::ParksByFailing), Outcome::Park { reason, .. }) => Outcome::Fail { error: reason },
            (Some(Fault::ParksByDelaying), Outcome::Park { delay, .. }) => Outcome::Snooze { delay },
            (Some(Fault::ParksForEver), Outcome::Park { reason, delay }) => Outcome::Park { reason, delay: far(delay) },
            (Some(Fault::KeepsTheReason), Outcome::Park { reason, delay }) => {
                self.memory().errors.insert(lock.id.clone(), reason.clone());
                Outcome::Park { reason, delay }
            }
            (_, outcome) => outcome,
        }
    }

    /// What an end means for the keys that a fault keeps by itself.
    fn free_keys(&self, lock: &Lock, ends: bool, done: bool) {
        let mut memory = self.memory();
        if let Some((queue, key)) = memory.serial.get(&lock.id).cloned() {
            match self.fault {
                Some(Fault::FreesSerialKeysOnlyWhenDone) if done => memory.held_keys.remove(&(queue, key)),
                Some(Fault::SharesSerialKeysBetweenQueues) => memory.held_keys.remove(&("any".into(), key)),
                _ => false,
            };
        }
        if self.has(Fault::HoldsKeysUntilFinished) && ends {
            memory.unique.retain(|_, (holder, _)| *holder != lock.id);
        }
    }

    pub(crate) async fn finish_each(&self, finishes: Vec<Finish>) -> Result<Vec<Verdict>> {
        let mut verdicts = Vec::new();
        for Finish { lock, outcome } in finishes {
            if self.has(Fault::TellsAtMostAHundred) && verdicts.len() >= 100
                || self.has(Fault::StopsAtTheFirstLost) && verdicts.contains(&Verdict::LostLock)
            {
                verdicts.push(Verdict::LostLock);
                continue;
            }
            if self.has(Fault::RanOutIsLost) {
                self.take_back(&lock.queue).await;
            }
            let lock = self.translate(&lock).await;
            let record = self.record(&lock).await;
            let held =
                record.is_some_and(|record| record.state == JobState::Active && record.attempts_started == lock.token);
            if self.has(Fault::FinishesInTwoSteps) {
                self.step().await;
            }
            let ends = matches!(outcome, Outcome::Complete(_) | Outcome::Fail { .. });
            let done = matches!(outcome, Outcome::Complete(_));
            let released = outcome == Outcome::Release;
            let outcome = self.change_outcome(&lock, outcome);
            if released && self.has(Fault::LosesReleased) {
                self.inner
                    .finish(vec![Finish { lock: lock.clone(), outcome: Outcome::Fail { error: String::new() } }], None)
                    .await?;
                let _ = athyper::jobs::JobAdministration::remove(&*self.inner, &lock.queue, &lock.id).await;
                verdicts.push(Verdict::Applied);
                continue;
            }
            let finish = Finish { lock: lock.clone(), outcome };
            let verdict = self.inner.finish(vec![finish], None).await?.verdicts[0];
            self.free_keys(&lock, ends, done);
            if ends && verdict == Verdict::Applied {
                self.apply_retention(&lock.queue, &lock.id).await;
            }
            verdicts.push(match self.fault {
                Some(Fault::SaysAlwaysApplied) => Verdict::Applied,
                Some(Fault::FinishesInTwoSteps) if held => Verdict::Applied,
                _ => verdict,
            });
        }
        if self.has(Fault::ReversesVerdicts) {
            verdicts.reverse();
        }
        Ok(verdicts)
    }
}
