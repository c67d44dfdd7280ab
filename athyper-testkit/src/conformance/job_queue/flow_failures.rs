//! What becomes of parents whose children fail, are cancelled, removed or retried.

use athyper::ErrorKind;
use athyper::jobs::{CANCELLED, ChildFailure, JobState, Outcome, Retention};

use super::define_cases;
use super::fixture::{JobExt, QUEUE, done, equal, failed, finish_of, ids, request_from, seconds};
use super::flows::{NONE, NOT_KEPT, children, expect_children, expect_condemned, parent_of, result, run};

define_cases! {
    /// A child that fails for good fails its parent, which is not run; the other children go on.
    async fn a_child_that_fails_fails_its_parent(fixture) {
        parent_of(&fixture, [fixture.job("bad"), fixture.job("good")]).await?;
        run(&fixture, "bad", failed()).await?;
        let claimed = fixture.take(9).await?;
        equal("what is handed out", ids(&claimed), ["good"])?;
        expect_condemned(&fixture, "p", "bad").await?;
        fixture.settle(&claimed[0], done()).await?;
        expect_children(&fixture, [("bad", JobState::Failed), ("good", JobState::Completed)]).await?;
        fixture.expect_state("p", JobState::Failed).await
    }

    /// A parent that failed because of a child is a child that failed.
    async fn a_failure_goes_up_the_tree(fixture) {
        let leaf = fixture.job("leaf").child_of("m");
        parent_of(&fixture, [fixture.job("m"), leaf]).await?;
        run(&fixture, "leaf", failed()).await?;
        expect_condemned(&fixture, "m", "leaf").await?;
        expect_condemned(&fixture, "p", "m").await
    }

    /// Each parent says for itself what its failure means.
    async fn a_failure_goes_up_as_far_as_each_says(fixture) {
        let (middle, leaf) = (fixture.job("m").child_of("p").when_failed(ChildFailure::Ignore), fixture.job("leaf").child_of("m"));
        parent_of(&fixture, [middle, leaf]).await?;
        run(&fixture, "leaf", failed()).await?;
        let taken = fixture.take(9).await?;
        equal("what is handed out", ids(&taken), ["p"])?;
        fixture.expect_state("m", JobState::Failed).await?;
        expect_children(&fixture, [("m", JobState::Failed)]).await
    }

    /// A parent may go on at once, and hears of its other children all the same.
    async fn a_failed_child_may_let_its_parent_go_on(fixture) {
        let bad = fixture.job("bad").child_of("p").when_failed(ChildFailure::ContinueParent);
        parent_of(&fixture, [bad, fixture.job("other").priority(5_000)]).await?;
        run(&fixture, "bad", failed()).await?;
        fixture.expect_state("p", JobState::Waiting).await?;
        let claimed = fixture.take(9).await?;
        equal("what is handed out", ids(&claimed), ["p", "other"])?;
        expect_children(&fixture, [("bad", JobState::Failed), ("other", JobState::Active)]).await?;
        fixture.settle(&claimed[1], done()).await?;
        expect_children(&fixture, [("bad", JobState::Failed), ("other", JobState::Completed)]).await?;
        fixture.settle(&claimed[0], done()).await?;
        equal("what is handed out again", fixture.take_ids(9).await?, NONE)
    }

    /// A failure may be kept for the parent, which runs once the last child is done.
    async fn a_failed_child_may_be_ignored(fixture) {
        let bad = |id| fixture.job(id).child_of("p").when_failed(ChildFailure::Ignore);
        parent_of(&fixture, [bad("bad"), fixture.job("good"), bad("last")]).await?;
        run(&fixture, "bad", failed()).await?;
        run(&fixture, "good", done()).await?;
        fixture.expect_state("p", JobState::WaitingChildren).await?;
        run(&fixture, "last", failed()).await?;
        run(&fixture, "p", done()).await?;
        let states = [("bad", JobState::Failed), ("good", JobState::Completed), ("last", JobState::Failed)];
        expect_children(&fixture, states).await?;
        equal("why it failed", children(&fixture, "p").await?[0].error.as_deref(), Some("it broke"))
    }

    /// A failed child may be no child any more.
    async fn a_failed_child_may_be_forgotten(fixture) {
        let bad = |id| fixture.job(id).child_of("p").when_failed(ChildFailure::Forget);
        parent_of(&fixture, [bad("bad"), fixture.job("good"), bad("last")]).await?;
        run(&fixture, "bad", failed()).await?;
        run(&fixture, "good", done()).await?;
        fixture.expect_state("p", JobState::WaitingChildren).await?;
        run(&fixture, "last", failed()).await?;
        run(&fixture, "p", done()).await?;
        expect_children(&fixture, [("good", JobState::Completed)]).await
    }

    /// A parent may wait until a failed child is retried, or removed.
    async fn a_failed_child_may_hold_its_parent(fixture) {
        let hold = |id| fixture.job(id).child_of("p").when_failed(ChildFailure::Hold);
        parent_of(&fixture, [hold("bad"), hold("worse")]).await?;
        run(&fixture, "bad", failed()).await?;
        run(&fixture, "worse", failed()).await?;
        fixture.recover(9).await?;
        fixture.expect_state("p", JobState::WaitingChildren).await?;
        expect_children(&fixture, [("bad", JobState::Failed), ("worse", JobState::Failed)]).await?;
        fixture.queue.retry(&QUEUE.into(), &"bad".into()).await?;
        run(&fixture, "bad", done()).await?;
        fixture.expect_state("p", JobState::WaitingChildren).await?;
        fixture.queue.remove(&QUEUE.into(), &"worse".into()).await?;
        run(&fixture, "p", done()).await?;
        expect_children(&fixture, [("bad", JobState::Completed)]).await
    }

    /// A failed child that is not kept any longer holds nobody.
    async fn what_is_not_kept_holds_no_parent(fixture) {
        let hold = |id| fixture.job(id).child_of("p").when_failed(ChildFailure::Hold);
        let short = Retention { count: 9, age: seconds(60) };
        parent_of(&fixture, [hold("gone").keep(Retention::COMPLETED, NOT_KEPT), hold("old").keep(Retention::COMPLETED, short)])
            .await?;
        run(&fixture, "gone", failed()).await?;
        run(&fixture, "old", failed()).await?;
        fixture.recover(9).await?;
        fixture.expect_state("p", JobState::WaitingChildren).await?;
        fixture.pass(seconds(120)).await;
        let claimed = fixture.add_and_take("any").await?;
        fixture.settle(&claimed, failed()).await?;
        fixture.recover(9).await?;
        run(&fixture, "p", done()).await
    }

    /// A child that stalls too often fails its parent.
    async fn a_child_that_stalls_too_often_fails_its_parent(fixture) {
        parent_of(&fixture, [fixture.job("a")]).await?;
        fixture.take_one().await?;
        fixture.stall(0).await?;
        fixture.expect_state("a", JobState::Failed).await?;
        expect_condemned(&fixture, "p", "a").await
    }

    /// A child that is cancelled has failed.
    async fn a_cancelled_child_has_failed(fixture) {
        let ignored = fixture.job("held").child_of("p").when_failed(ChildFailure::Ignore);
        parent_of(&fixture, [ignored, fixture.job("a").due_in(seconds(60))]).await?;
        let claimed = fixture.take_one().await?;
        fixture.queue.cancel(&QUEUE.into(), &"held".into()).await?;
        fixture.settle(&claimed, Outcome::Release).await?;
        fixture.expect_state("p", JobState::WaitingChildren).await?;
        expect_children(&fixture, [("held", JobState::Failed), ("a", JobState::Delayed)]).await?;
        fixture.queue.cancel(&QUEUE.into(), &"a".into()).await?;
        expect_condemned(&fixture, "p", "a").await
    }

    /// Cancelling a parent that waits cancels what is below it and has not ended.
    async fn cancelling_a_parent_cancels_what_is_below_it(fixture) {
        let leaf = fixture.job("leaf").child_of("m").due_in(seconds(60));
        let jobs = [fixture.job("done"), fixture.job("held"), fixture.job("m"), leaf];
        parent_of(&fixture, jobs).await?;
        run(&fixture, "done", done()).await?;
        let held = fixture.take_one().await?;
        fixture.queue.cancel(&QUEUE.into(), &"p".into()).await?;
        for id in ["p", "m", "leaf"] {
            let record = fixture.record(id).await?;
            equal(&format!("job {id}"), (record.state, record.error.as_deref()), (JobState::Failed, Some(CANCELLED)))?;
        }
        equal("what is asked to stop", fixture.queue.cancelled(&QUEUE.into()).await?, [held.lock.clone()])?;
        fixture.settle(&held, Outcome::Release).await?;
        fixture.expect_state("done", JobState::Completed).await?;
        fixture.pass(seconds(120)).await;
        equal("what is handed out", fixture.take_ids(9).await?, NONE)?;
        fixture.expect_state("p", JobState::Failed).await?;
        let states = [("done", JobState::Completed), ("held", JobState::Failed), ("m", JobState::Failed)];
        expect_children(&fixture, states).await
    }

    /// A parent goes with what is below it, unless some of that is active.
    async fn removing_a_parent_removes_what_is_below_it(fixture) {
        let leaf = fixture.job("leaf").child_of("m").in_queue("print");
        let later = fixture.job("later").due_in(seconds(60));
        parent_of(&fixture, [fixture.job("done"), fixture.job("m"), leaf, later]).await?;
        run(&fixture, "done", done()).await?;
        let held = fixture.queue.take(&request_from("print", 1)).await?;
        let removed = fixture.queue.remove(&QUEUE.into(), &"p".into()).await;
        equal("removing it", removed.map_err(|error| error.kind()), Err(ErrorKind::Conflict))?;
        fixture.expect_state("p", JobState::WaitingChildren).await?;
        fixture.queue.finish(vec![finish_of(&held[0], Outcome::Release)], None).await?;
        fixture.queue.remove(&QUEUE.into(), &"p".into()).await?;
        for id in ["p", "done", "m", "later"] {
            equal(&format!("whether {id} is there"), fixture.exists(id).await?, false)?;
        }
        equal("the other queue", fixture.queue.counts(&"print".into()).await?, Default::default())?;
        equal("the children", children(&fixture, "p").await?, [])?;
        // Nothing is left that would be in the way.
        parent_of(&fixture, [fixture.job("done")]).await?;
        run(&fixture, "done", done()).await?;
        run(&fixture, "p", done()).await
    }

    /// A child that is removed is waited for no longer.
    async fn a_child_that_is_removed_lets_its_parent_go(fixture) {
        parent_of(&fixture, [fixture.job("a"), fixture.job("b")]).await?;
        fixture.queue.remove(&QUEUE.into(), &"a".into()).await?;
        fixture.expect_state("p", JobState::WaitingChildren).await?;
        expect_children(&fixture, [("b", JobState::Waiting)]).await?;
        run(&fixture, "b", done()).await?;
        run(&fixture, "p", done()).await?;
        fixture.queue.add(vec![fixture.job("q"), fixture.job("c").child_of("q")]).await?;
        fixture.queue.remove(&QUEUE.into(), &"c".into()).await?;
        run(&fixture, "q", done()).await
    }

    /// A failed child that is retried is waited for again, if its parent still waits.
    async fn a_retried_child_is_waited_for_again(fixture) {
        let bad = fixture.job("bad").child_of("p").when_failed(ChildFailure::Ignore);
        parent_of(&fixture, [bad, fixture.job("good").due_in(seconds(5))]).await?;
        run(&fixture, "bad", failed()).await?;
        fixture.queue.retry(&QUEUE.into(), &"bad".into()).await?;
        expect_children(&fixture, [("bad", JobState::Waiting), ("good", JobState::Delayed)]).await?;
        let claimed = fixture.take_one().await?;
        fixture.pass(seconds(5)).await;
        run(&fixture, "good", done()).await?;
        fixture.expect_state("p", JobState::WaitingChildren).await?;
        fixture.settle(&claimed, result("7")).await?;
        run(&fixture, "p", done()).await?;
        equal("its result", children(&fixture, "p").await?[0].result.as_deref(), Some(b"7".as_slice()))
    }

    /// A parent that failed waits again when it is retried, if there are children that have not ended.
    async fn a_retried_parent_waits_for_what_has_not_ended(fixture) {
        parent_of(&fixture, [fixture.job("a")]).await?;
        run(&fixture, "a", failed()).await?;
        expect_condemned(&fixture, "p", "a").await?;
        fixture.queue.retry(&QUEUE.into(), &"a".into()).await?;
        fixture.expect_state("p", JobState::Failed).await?;
        fixture.queue.retry(&QUEUE.into(), &"p".into()).await?;
        fixture.expect_state("p", JobState::WaitingChildren).await?;
        run(&fixture, "a", done()).await?;
        run(&fixture, "p", failed()).await?;
        fixture.queue.retry(&QUEUE.into(), &"p".into()).await?;
        run(&fixture, "p", done()).await?;
        expect_children(&fixture, [("a", JobState::Completed)]).await
    }

    /// A parent that is retried does not wait for a child that another one waits for since.
    async fn a_child_with_another_parent_is_waited_for_no_longer(fixture) {
        parent_of(&fixture, [fixture.job("a"), fixture.job("b")]).await?;
        run(&fixture, "a", failed()).await?;
        let claimed = fixture.take_one().await?;
        equal("what runs", claimed.lock.id.as_str(), "b")?;
        expect_condemned(&fixture, "p", "a").await?;
        fixture.queue.add(vec![fixture.job("q"), fixture.job("b").child_of("q")]).await?;
        fixture.queue.retry(&QUEUE.into(), &"p".into()).await?;
        run(&fixture, "p", done()).await?;
        fixture.settle(&claimed, done()).await?;
        run(&fixture, "q", done()).await
    }
}
