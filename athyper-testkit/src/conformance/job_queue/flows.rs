//! Parents that wait for their children.

use std::collections::BTreeSet;

use athyper::ErrorKind;
use athyper::jobs::{
    ChildFailure, ChildRecord, JobFilter, JobId, JobState, MOST_JOBS_OF_A_FLOW, NewJob, Outcome, Parent, Retention,
};
use athyper::sql::Isolation;

use super::super::case::ensure;
use super::Violation;
use super::concurrency::at_once;
use super::define_cases;
use super::fixture::{
    Checked, JobExt, JobQueueFixture, QUEUE, done, equal, failed, finish_of, ids, request, request_from, retry_in,
    seconds, violation,
};

pub(super) const NONE: [&str; 0] = [];
pub(super) const NOT_KEPT: Retention = Retention { count: 0, ..Retention::FAILED };

pub(super) fn result(text: &str) -> Outcome {
    Outcome::Complete(text.to_owned().into())
}

/// The parent `p` of these.
pub(super) async fn parent_of<const N: usize>(fixture: &JobQueueFixture, children: [NewJob; N]) -> Checked {
    let mut jobs = vec![fixture.job("p")];
    jobs.extend(children.map(|child| child.child_of_if_none("p")));
    let added = fixture.queue.add(jobs).await?;
    equal("the answers", added.iter().filter(|added| added.duplicate).count(), 0)
}

pub(super) trait ChildOf: Sized {
    fn child_of_if_none(self, parent: &str) -> Self;
}

impl ChildOf for NewJob {
    fn child_of_if_none(self, parent: &str) -> Self {
        if self.parent.is_some() { self } else { self.child_of(parent) }
    }
}

/// Takes the next job, which must be this one, and ends it.
pub(super) async fn run(fixture: &JobQueueFixture, id: &str, outcome: Outcome) -> Checked {
    let claimed = fixture.take_one().await?;
    equal("the next job", claimed.lock.id.as_str(), id)?;
    fixture.settle(&claimed, outcome).await
}

pub(super) async fn children(fixture: &JobQueueFixture, id: &str) -> Result<Vec<ChildRecord>, Violation> {
    Ok(fixture.other.children(&QUEUE.into(), &JobId::from(id)).await?)
}

/// What is known of the children of `p`: the id and the state of each.
pub(super) async fn expect_children<const N: usize>(
    fixture: &JobQueueFixture,
    wanted: [(&str, JobState); N],
) -> Checked {
    let found = children(fixture, "p").await?;
    let found: Vec<_> = found.iter().map(|child| (child.id.as_str(), child.state)).collect();
    equal("the children", found, wanted)
}

/// A parent that a child condemned fails at the latest when somebody takes from its queue, and is not handed out.
pub(super) async fn expect_condemned(fixture: &JobQueueFixture, id: &str, child: &str) -> Checked {
    let taken = fixture.take_ids(9).await?;
    ensure(!taken.iter().any(|taken| taken == id), format_args!("parent {id} is handed out although a child failed"))?;
    let record = fixture.record(id).await?;
    equal(&format!("the state of parent {id}"), record.state, JobState::Failed)?;
    let error = record.error.unwrap_or_default();
    ensure(error.contains(child), format_args!("the error of parent {id} does not name its child {child}: {error:?}"))?;
    ensure(record.finished_at.is_some(), "a parent that failed has no end")
}

async fn refused(fixture: &JobQueueFixture, what: &str, jobs: Vec<NewJob>, kind: ErrorKind) -> Checked {
    match fixture.queue.add(jobs).await {
        Err(error) => equal(&format!("the kind of error of {what}"), error.kind(), kind),
        Ok(_) => Err(violation(format_args!("{what} was added"))),
    }
}

define_cases! {
    /// A parent waits until the last of its children is done.
    async fn a_parent_waits_for_its_children(fixture) {
        parent_of(&fixture, [fixture.job("a"), fixture.job("b")]).await?;
        fixture.expect_state("p", JobState::WaitingChildren).await?;
        let counts = fixture.counts().await?;
        equal("the counts", (counts.waiting_children, counts.waiting, counts.delayed), (1, 2, 0))?;
        let parent = Parent { queue: QUEUE.into(), id: "p".into(), when_failed: ChildFailure::FailParent };
        equal("the parent of a child", fixture.record("a").await?.parent, Some(parent))?;
        equal("the parent of a parent", fixture.record("p").await?.parent, None)?;
        let claimed = fixture.take(9).await?;
        equal("what is handed out", ids(&claimed), ["a", "b"])?;
        fixture.settle(&claimed[1], done()).await?;
        fixture.expect_state("p", JobState::WaitingChildren).await?;
        equal("what is handed out before the last is done", fixture.take_ids(9).await?, NONE)?;
        fixture.pass(seconds(5)).await;
        let finished = fixture.queue.finish(vec![finish_of(&claimed[0], done())], Some(&request(9))).await?;
        equal("what comes with the verdict on the last", ids(&finished.next), ["p"])?;
        equal("when it became ready", finished.next[0].due_at, fixture.clock.now())?;
        fixture.settle(&finished.next[0], done()).await?;
        fixture.expect_state("p", JobState::Completed).await
    }

    /// Children are told of in the order in which they were enqueued, with kind, state, result and error.
    async fn children_are_told_of_in_their_order(fixture) {
        let jobs = [
            fixture.job("z").of_kind("one"),
            fixture.job("a").of_kind("two").in_queue("print"),
            fixture.job("m").of_kind("one"),
            fixture.job("b").of_kind("three").due_in(seconds(60)),
        ];
        let [z, a, m, b] = jobs.map(|child| child.child_of("p"));
        parent_of(&fixture, [z, a, m.when_failed(ChildFailure::Ignore), b]).await?;
        let claimed = fixture.take(9).await?;
        fixture.settle(&claimed[1], failed()).await?;
        fixture.settle(&claimed[0], result("{ \"n\":1 }")).await?;
        let told = children(&fixture, "p").await?;
        let child = |queue: &str, id: &str, kind: &str, state| ChildRecord {
            queue: queue.into(), id: id.into(), kind: kind.to_owned(), state, result: None, error: None,
        };
        let wanted = [
            ChildRecord { result: Some("{ \"n\":1 }".into()), ..child(QUEUE, "z", "one", JobState::Completed) },
            child("print", "a", "two", JobState::Waiting),
            ChildRecord { error: Some("it broke".to_owned()), ..child(QUEUE, "m", "one", JobState::Failed) },
            child(QUEUE, "b", "three", JobState::Delayed),
        ];
        equal("the children", told, wanted)?;
        equal("the children of a job without any", children(&fixture, "z").await?, [])?;
        equal("the children of no job", children(&fixture, "nobody").await?, [])
    }

    /// Children have children.
    async fn children_may_have_children(fixture) {
        let leaf = fixture.job("leaf").child_of("m");
        parent_of(&fixture, [fixture.job("m"), leaf, fixture.job("other").due_in(seconds(5))]).await?;
        fixture.expect_state("m", JobState::WaitingChildren).await?;
        run(&fixture, "leaf", done()).await?;
        run(&fixture, "m", done()).await?;
        equal("what is handed out", fixture.take_ids(9).await?, NONE)?;
        fixture.pass(seconds(5)).await;
        run(&fixture, "other", done()).await?;
        run(&fixture, "p", done()).await
    }

    /// Parents and children are of any queue, and a parent that is let go wakes a worker of its queue.
    async fn a_parent_that_is_let_go_wakes_a_worker(fixture) {
        parent_of(&fixture, [fixture.job("a").in_queue("print")]).await?;
        let mut take = request(9);
        take.wait = seconds(86_400 * 365);
        let queue = fixture.other.clone();
        let waiter = tokio::spawn(async move { queue.take(&take).await });
        super::waiting::settle().await;
        let claimed = fixture.queue.take(&request_from("print", 9)).await?;
        equal("what is handed out of the other queue", ids(&claimed), ["a"])?;
        fixture.queue.finish(vec![finish_of(&claimed[0], done())], None).await?;
        let within = fixture.queue.capabilities().wake_up_within.max(seconds(1));
        let taken = fixture.pass_until(within, "waking up a worker of the parent", waiter).await?;
        let taken = taken.map_err(|error| violation(format_args!("taking panicked: {error}")))??;
        equal("what it gets", ids(&taken), ["p"])
    }

    /// What does not end a child lets no parent go.
    async fn only_an_end_lets_a_parent_go(fixture) {
        parent_of(&fixture, [fixture.job("a")]).await?;
        let park = Outcome::Park { reason: "unknown".to_owned(), delay: seconds(5) };
        for outcome in [retry_in(seconds(5)), Outcome::Snooze { delay: seconds(5) }, park, Outcome::Release] {
            run(&fixture, "a", outcome).await?;
            fixture.expect_state("p", JobState::WaitingChildren).await?;
            fixture.pass(seconds(5)).await;
        }
        fixture.take_one().await?;
        fixture.stall(9).await?;
        fixture.expect_state("p", JobState::WaitingChildren).await?;
        run(&fixture, "a", done()).await?;
        run(&fixture, "p", done()).await
    }

    /// A parent is ready no earlier than it is due, and cannot be promoted before.
    async fn a_parent_may_have_a_delay(fixture) {
        let parent = fixture.job("p").due_in(seconds(60));
        fixture.queue.add(vec![parent, fixture.job("a").child_of("p")]).await?;
        fixture.expect_state("p", JobState::WaitingChildren).await?;
        let promoted = fixture.queue.promote(&QUEUE.into(), &"p".into()).await;
        equal("promoting it", promoted.map_err(|error| error.kind()), Err(ErrorKind::Conflict))?;
        fixture.pass(seconds(20)).await;
        run(&fixture, "a", done()).await?;
        fixture.expect_state("p", JobState::Delayed).await?;
        equal("what is handed out before", fixture.take_ids(9).await?, NONE)?;
        fixture.pass(seconds(40)).await;
        run(&fixture, "p", done()).await?;
        let late = fixture.job("q").due_in(seconds(5));
        fixture.queue.add(vec![late, fixture.job("b").child_of("q")]).await?;
        fixture.pass(seconds(60)).await;
        run(&fixture, "b", done()).await?;
        run(&fixture, "q", done()).await
    }

    /// Parents that wait are listed, and no longer once they are let go.
    async fn parents_that_wait_are_listed(fixture) {
        for (parent, child) in [("p", "a"), ("q", "b"), ("r", "c")] {
            fixture.queue.add(vec![fixture.job(parent), fixture.job(child).child_of(parent)]).await?;
            fixture.pass(seconds(1)).await;
        }
        run(&fixture, "a", done()).await?;
        let filter = JobFilter { states: vec![JobState::WaitingChildren], ..JobFilter::default() };
        let listed = fixture.queue.list(&QUEUE.into(), &filter).await?;
        let listed: Vec<&str> = listed.iter().map(|record| record.envelope.id.as_str()).collect();
        equal("the list", listed, ["q", "r"])?;
        equal("the count", fixture.counts().await?.waiting_children, 2)
    }

    /// What a child returned is known to its parent when the queue has let go of the child.
    async fn a_result_outlives_its_child(fixture) {
        let not_kept = |id| fixture.job(id).keep(NOT_KEPT, NOT_KEPT).child_of("p").when_failed(ChildFailure::Ignore);
        parent_of(&fixture, [not_kept("a"), not_kept("b")]).await?;
        run(&fixture, "a", result("[1]")).await?;
        run(&fixture, "b", failed()).await?;
        equal("whether it is there", fixture.exists("a").await?, false)?;
        run(&fixture, "p", done()).await?;
        let told = children(&fixture, "p").await?;
        let found: Vec<_> = told.iter().map(|child| (child.id.as_str(), child.state, &*child.kind)).collect();
        equal("the children", found, [("a", JobState::Completed, "welcome"), ("b", JobState::Failed, "welcome")])?;
        equal("the result", told[0].result.as_deref(), Some(b"[1]".as_slice()))?;
        equal("the error", told[1].error.as_deref(), Some("it broke"))
    }

    /// A child that is there already and has completed is done.
    async fn a_child_that_had_completed_is_done(fixture) {
        fixture.add(fixture.job("a").unique("k", seconds(600))).await?;
        run(&fixture, "a", result("1")).await?;
        let by_key = fixture.job("other").unique("k", seconds(60)).child_of("q");
        let added = fixture.queue.add(vec![fixture.job("p"), fixture.job("a").child_of("p"), fixture.job("b").child_of("p")]).await?;
        let told: Vec<_> = added.iter().map(|added| (added.id.as_str(), added.duplicate)).collect();
        equal("the answers", told, [("p", false), ("a", true), ("b", false)])?;
        expect_children(&fixture, [("a", JobState::Completed), ("b", JobState::Waiting)]).await?;
        run(&fixture, "b", done()).await?;
        run(&fixture, "p", done()).await?;
        equal("its result", children(&fixture, "p").await?[0].result.as_deref(), Some(b"1".as_slice()))?;
        fixture.queue.add(vec![fixture.job("q"), by_key]).await?;
        run(&fixture, "q", done()).await?;
        equal("the child by its key", children(&fixture, "q").await?[0].id.as_str(), "a")
    }

    /// A child that is there already and has failed counts as its policy says.
    async fn a_child_that_had_failed_counts_as_such(fixture) {
        for id in ["a", "b"] {
            fixture.add(fixture.job(id)).await?;
            run(&fixture, id, failed()).await?;
        }
        let ignored = fixture.job("a").child_of("p").when_failed(ChildFailure::Ignore);
        fixture.queue.add(vec![fixture.job("p"), ignored]).await?;
        run(&fixture, "p", done()).await?;
        fixture.queue.add(vec![fixture.job("q"), fixture.job("b").child_of("q")]).await?;
        expect_condemned(&fixture, "q", "b").await
    }

    /// A child that is there already and has not ended is waited for, by its id or its unique key.
    async fn a_child_that_is_there_is_waited_for(fixture) {
        fixture.add_each(&["waits"]).await?;
        fixture.add(fixture.job("runs").unique("k", seconds(60)).priority(1)).await?;
        let claimed = fixture.take_one().await?;
        let by_key = fixture.job("other").unique("k", seconds(60)).child_of("p");
        // What would be below it is not added.
        let below = fixture.job("below").child_of("waits");
        let jobs = vec![fixture.job("p"), fixture.job("waits").child_of("p"), below, by_key];
        let added = fixture.queue.add(jobs).await?;
        let told: Vec<_> = added.iter().map(|added| (added.id.as_str(), added.duplicate)).collect();
        equal("the answers", told, [("p", false), ("waits", true), ("below", true), ("runs", true)])?;
        equal("whether what is below is there", fixture.exists("below").await?, false)?;
        fixture.settle(&claimed, result("1")).await?;
        fixture.expect_state("p", JobState::WaitingChildren).await?;
        run(&fixture, "waits", done()).await?;
        run(&fixture, "p", done()).await?;
        expect_children(&fixture, [("waits", JobState::Completed), ("runs", JobState::Completed)]).await
    }

    /// So is one that runs, and has nothing special about it before.
    async fn a_child_that_runs_is_waited_for(fixture) {
        let claimed = fixture.add_and_take("runs").await?;
        fixture.queue.add(vec![fixture.job("p"), fixture.job("runs").child_of("p")]).await?;
        fixture.settle(&claimed, result("1")).await?;
        run(&fixture, "p", done()).await?;
        expect_children(&fixture, [("runs", JobState::Completed)]).await
    }

    /// A child that another parent waits for is refused, and nothing is added; once that parent has ended it may have another.
    async fn a_child_has_one_parent_at_a_time(fixture) {
        parent_of(&fixture, [fixture.job("a")]).await?;
        let jobs = || vec![fixture.job("q"), fixture.job("b").child_of("q"), fixture.job("a").child_of("q")];
        refused(&fixture, "a child of another parent", jobs(), ErrorKind::Conflict).await?;
        for id in ["q", "b"] {
            equal(&format!("whether {id} is there"), fixture.exists(id).await?, false)?;
        }
        run(&fixture, "a", done()).await?;
        run(&fixture, "p", done()).await?;
        fixture.queue.add(jobs()).await?;
        run(&fixture, "b", done()).await?;
        run(&fixture, "q", done()).await
    }

    /// A root that is there already stands for its whole flow.
    async fn a_root_that_is_there_stands_for_its_flow(fixture) {
        fixture.add_each(&["p"]).await?;
        let added = fixture.queue.add(vec![fixture.job("p"), fixture.job("a").child_of("p")]).await?;
        equal("the answers", added.iter().map(|added| added.duplicate).collect::<Vec<_>>(), [true, true])?;
        equal("whether a child is there", fixture.exists("a").await?, false)?;
        fixture.expect_state("p", JobState::Waiting).await?;
        fixture.add(fixture.job("q").unique("k", seconds(60)).due_in(seconds(60))).await?;
        let root = fixture.job("r").unique("k", seconds(60));
        let added = fixture.queue.add(vec![root, fixture.job("b").child_of("r")]).await?;
        equal("the job that stands for the root", added[0].id.as_str(), "q")?;
        equal("what is handed out", fixture.take_ids(9).await?, ["p"])
    }

    /// Jobs that name parents are one tree, parents first, in which nobody waits for himself.
    async fn what_is_no_flow_is_refused(fixture) {
        let job = |id: &str, parent: &str| fixture.job(id).child_of(parent);
        let none = vec![job("a", "p")];
        let late = vec![fixture.job("r"), job("a", "p"), job("p", "r")];
        let two = vec![fixture.job("p"), job("a", "p"), fixture.job("q")];
        let own = vec![fixture.job("p"), job("a", "p"), job("p", "a")];
        let by_key = vec![
            fixture.job("p").unique("k", seconds(60)),
            job("a", "p").unique("k", seconds(60)),
        ];
        let mut many = vec![fixture.job("p")];
        many.extend((0..MOST_JOBS_OF_A_FLOW).map(|number| job(&format!("job-{number}"), "p")));
        for (what, jobs) in [
            ("a child without its parent", none),
            ("a child before its parent", late),
            ("a flow with two roots", two),
            ("a job that waits for itself", own),
            ("a job that waits for itself by its key", by_key),
            ("a flow that is too large", many),
        ] {
            refused(&fixture, what, jobs, ErrorKind::Invalid).await?;
        }
        equal("what is handed out", fixture.take_ids(9).await?, NONE)?;
        equal("whether its id is a duplicate", fixture.add(fixture.job("p")).await?.duplicate, false)
    }

    /// Parents and children may be named by any text.
    async fn any_text_is_an_id_of_a_flow(fixture) {
        let names = ["a:b", "a:b:c", "wait", "X", "x", " x", "👩‍👩‍👧", "a'b\"c\\", "ath~x", "%_", "{x}", "p:dependencies"];
        for name in names {
            let child = format!("{name}{name}");
            fixture.queue.add(vec![fixture.job(name), fixture.job(&child).child_of(name)]).await?;
            run(&fixture, &child, result("3")).await?;
            run(&fixture, name, done()).await?;
            let told = children(&fixture, name).await?;
            let told: Vec<_> = told.iter().map(|child| (child.id.as_str(), child.result.as_deref())).collect();
            equal("the children", told, [(child.as_str(), Some(b"3".as_slice()))])?;
        }
        Ok(())
    }

    /// A flow of many jobs is added as a whole, and its parent reads all of them.
    async fn a_large_flow_is_added_at_once(fixture) {
        let mut jobs = vec![fixture.job("p").priority(5_000)];
        jobs.extend((0..1_200).map(|number| fixture.job(&format!("job-{number:04}")).child_of("p")));
        fixture.queue.add(jobs).await?;
        let counts = fixture.counts().await?;
        equal("the counts", (counts.waiting, counts.waiting_children), (1_200, 1))?;
        let mut ended = 0;
        while ended < 1_200 {
            let claimed = fixture.take(600).await?;
            ensure(!claimed.is_empty(), "a child is not handed out")?;
            ended += claimed.len();
            let number = |id: &JobId| id.as_str().trim_start_matches("job-").parse::<u32>().unwrap_or_default().to_string();
            let finishes = claimed.iter().map(|claimed| finish_of(claimed, result(&number(&claimed.lock.id)))).collect();
            fixture.queue.finish(finishes, None).await?;
        }
        run(&fixture, "p", done()).await?;
        let told = children(&fixture, "p").await?;
        let results: Vec<_> = told.iter().map(|child| child.result.clone().unwrap_or_default()).collect();
        let wanted: Vec<_> = (0..1_200).map(|number| number.to_string()).collect();
        equal("the results", results, wanted)
    }

    /// A parent is let go once, however many workers end its children at the same time.
    async fn many_workers_let_a_parent_go_once(fixture) {
        for parent in ["p", "q"] {
            let mut jobs = vec![fixture.job(parent).priority(1)];
            jobs.extend((0..200).map(|number| fixture.job(&format!("{parent}-{number:03}")).child_of(parent)));
            fixture.queue.add(jobs).await?;
        }
        let taken = at_once(&fixture, |number, queue| async move {
            let mut taken = Vec::new();
            let mut next = queue.take(&request(1 + number % 4)).await?;
            while !next.is_empty() && taken.len() < 1_000 {
                taken.extend(ids(&next));
                let finishes = next.iter().map(|claimed| finish_of(claimed, done())).collect();
                next = queue.finish(finishes, Some(&request(1 + number % 4))).await?.next;
            }
            Ok(taken)
        });
        let mut taken: Vec<String> = taken.await?.into_iter().flatten().collect();
        // Whoever looked last may have looked before the last child ended.
        while let Some(claimed) = fixture.take(1).await?.pop() {
            taken.extend(ids(std::slice::from_ref(&claimed)));
            fixture.settle(&claimed, done()).await?;
        }
        equal("the number of jobs handed out", taken.len(), 402)?;
        equal("the number of different ones", taken.iter().collect::<BTreeSet<_>>().len(), 402)?;
        let counts = fixture.counts().await?;
        equal("completed, waiting", (counts.completed, counts.waiting_children), (402, 0))?;
        let results = children(&fixture, "p").await?.iter().filter(|child| child.result.is_some()).count();
        equal("the results", results, 200)
    }

    /// A flow is part of a transaction as a whole.
    async fn a_flow_of_a_transaction_comes_with_its_commit(fixture) {
        if !fixture.queue.capabilities().transactional {
            #[allow(clippy::print_stderr, reason = "a case that is skipped says so")]
            {
                eprintln!("SKIPPED a_flow_of_a_transaction_comes_with_its_commit: the queue takes part in no transaction");
            }
            return Ok(());
        }
        let database = fixture.database.clone().ok_or_else(|| violation("the fixture names no database"))?;
        let jobs = || vec![fixture.job("p"), fixture.job("a").child_of("p")];
        let mut tx = database.begin(Isolation::Default).await?;
        fixture.queue.add_in(&mut tx, jobs()).await?;
        tx.into_inner().rollback().await?;
        for id in ["p", "a"] {
            equal(&format!("whether {id} is there"), fixture.exists(id).await?, false)?;
        }
        let mut tx = database.begin(Isolation::Default).await?;
        fixture.queue.add_in(&mut tx, jobs()).await?;
        tx.into_inner().commit().await?;
        run(&fixture, "a", done()).await?;
        run(&fixture, "p", done()).await
    }
}
