//! Many at the same time.

use std::collections::BTreeSet;
use std::sync::Arc;

use athyper::jobs::{JobState, RecoveryPolicy, Verdict};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::super::case::ensure;
use super::define_cases;
use super::fixture::{JobExt, LOCK, QUEUE, TICK, done, equal, failed, finish_of, ids, request, seconds, violation};
use super::{JobQueueFixture, Violation};

const AT_ONCE: usize = 8;

/// Runs something in many tasks that begin at the same time, on the queue and as another process, and gathers the answers.
pub(super) async fn at_once<T, F, Fut>(fixture: &JobQueueFixture, each: F) -> Result<Vec<T>, Violation>
where
    T: Send + 'static,
    F: Fn(usize, Arc<dyn athyper::jobs::JobQueue>) -> Fut,
    Fut: Future<Output = athyper::Result<T>> + Send + 'static,
{
    let start = Arc::new(Barrier::new(AT_ONCE));
    let mut tasks = JoinSet::new();
    for number in 0..AT_ONCE {
        let queue = if number % 2 == 0 { &fixture.queue } else { &fixture.other };
        let (start, work) = (start.clone(), each(number, queue.clone()));
        tasks.spawn(async move {
            start.wait().await;
            work.await
        });
    }
    let mut answers = Vec::new();
    while let Some(answer) = tasks.join_next().await {
        answers.push(answer.map_err(|error| violation(format_args!("a task panicked: {error}")))??);
    }
    Ok(answers)
}

define_cases! {
    /// Many workers together get every job, and none of it twice.
    async fn many_workers_get_each_job_once(fixture) {
        let jobs = (0..200).map(|number| fixture.job(&format!("job-{number:03}"))).collect();
        fixture.queue.add(jobs).await?;
        let taken = at_once(&fixture, |number, queue| async move {
            let mut taken = Vec::new();
            let mut next = queue.take(&request(1 + number % 3)).await?;
            while !next.is_empty() && taken.len() < 1_000 {
                taken.extend(ids(&next));
                let finishes = next.iter().map(|claimed| finish_of(claimed, done())).collect();
                next = queue.finish(finishes, Some(&request(1 + number % 3))).await?.next;
            }
            Ok(taken)
        });
        let taken: Vec<String> = taken.await?.into_iter().flatten().collect();
        let distinct: BTreeSet<&String> = taken.iter().collect();
        equal("the number of jobs handed out", taken.len(), 200)?;
        equal("the number of different ones", distinct.len(), 200)?;
        equal("the completed jobs", fixture.counts().await?.completed, 200)
    }

    /// Many producers lose no job.
    async fn many_producers_lose_no_job(fixture) {
        let jobs: Vec<Vec<_>> = (0..AT_ONCE)
            .map(|task| (0..25).map(|number| fixture.job(&format!("job-{task}-{number}"))).collect())
            .collect();
        let jobs = Arc::new(jobs);
        at_once(&fixture, |number, queue| {
            let jobs = jobs.clone();
            async move {
                for job in &jobs[number] {
                    queue.add(vec![job.clone()]).await?;
                }
                Ok(())
            }
        })
        .await?;
        equal("the waiting jobs", fixture.counts().await?.waiting, 200)
    }

    /// Of many producers with one id, one adds the job.
    async fn one_of_many_producers_adds_an_id(fixture) {
        let job = fixture.job("a");
        let added = at_once(&fixture, |_, queue| {
            let job = job.clone();
            async move { queue.add(vec![job]).await }
        });
        let originals = added.await?.iter().flatten().filter(|added| !added.duplicate).count();
        equal("how many added it", originals, 1)?;
        equal("the waiting jobs", fixture.counts().await?.waiting, 1)
    }

    /// Of many producers with one unique key, one adds a job, and all are told its id.
    async fn one_of_many_producers_gets_a_key(fixture) {
        let jobs: Vec<_> = (0..AT_ONCE).map(|number| fixture.job(&format!("job-{number}")).unique("k", seconds(60))).collect();
        let added = at_once(&fixture, |number, queue| {
            let job = jobs[number].clone();
            async move { queue.add(vec![job]).await }
        });
        let added: Vec<_> = added.await?.into_iter().flatten().collect();
        equal("how many added a job", added.iter().filter(|added| !added.duplicate).count(), 1)?;
        let told: BTreeSet<_> = added.iter().map(|added| added.id.as_str()).collect();
        equal("how many ids were told", told.len(), 1)
    }

    /// Of many reports on one attempt, one is accepted.
    async fn one_of_many_reports_is_accepted(fixture) {
        let claimed = fixture.add_and_take("a").await?;
        let verdicts = at_once(&fixture, |number, queue| {
            let finish = finish_of(&claimed, if number % 2 == 0 { done() } else { failed() });
            async move { Ok(queue.finish(vec![finish], None).await?.verdicts) }
        });
        let applied = verdicts.await?.iter().flatten().filter(|verdict| **verdict == Verdict::Applied).count();
        equal("how many were accepted", applied, 1)?;
        equal("the attempts made", fixture.record("a").await?.attempts_made, 1)
    }

    /// When a job is finished and taken back at the same time, one of the two wins.
    async fn a_report_and_a_recovery_do_not_both_win(fixture) {
        for round in 0..10 {
            let id = format!("job-{round}");
            let claimed = fixture.add_and_take(&id).await?;
            fixture.pass(LOCK + TICK).await;
            let answers = at_once(&fixture, |number, queue| {
                let finish = finish_of(&claimed, done());
                async move {
                    if number == 0 {
                        let verdicts = queue.finish(vec![finish], None).await?.verdicts;
                        Ok((usize::from(verdicts == [Verdict::Applied]), 0))
                    } else {
                        Ok((0, queue.recover(&QUEUE.into(), RecoveryPolicy { max_stalls: 9 }).await?.len()))
                    }
                }
            });
            let (finished, taken_back) =
                answers.await?.into_iter().fold((0, 0), |(a, b), (finished, taken_back)| (a + finished, b + taken_back));
            equal("how many won", finished + taken_back, 1)?;
            let state = fixture.record(&id).await?.state;
            let wanted = if finished == 1 { JobState::Completed } else { JobState::Waiting };
            equal("the state", state, wanted)?;
            for claimed in fixture.take(9).await? {
                fixture.settle(&claimed, done()).await?;
            }
        }
        Ok(())
    }

    /// Many workers never hold two jobs of one serial key.
    async fn many_workers_respect_a_serial_key(fixture) {
        let jobs = (0..40).map(|number| fixture.job(&format!("job-{number}")).serial(["k", "l"][number % 2])).collect();
        fixture.queue.add(jobs).await?;
        for _ in 0..20 {
            let taken = at_once(&fixture, |_, queue| async move { queue.take(&request(2)).await });
            let taken: Vec<_> = taken.await?.into_iter().flatten().collect();
            ensure(taken.len() == 2, format!("{} jobs of two serial keys were handed out at once", taken.len()))?;
            for claimed in &taken {
                fixture.settle(claimed, done()).await?;
            }
        }
        Ok(())
    }
}
