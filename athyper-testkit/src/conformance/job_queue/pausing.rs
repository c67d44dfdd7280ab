//! Queues that hand out nothing for a while.

use super::define_cases;
use super::fixture::{JobExt, QUEUE, done, equal, finish_of, ids, request, request_from, retry_in, seconds};

const NONE: [&str; 0] = [];

define_cases! {
    /// A paused queue hands out nothing; adding goes on; resuming hands all of it out.
    async fn a_paused_queue_hands_out_nothing(fixture) {
        let queue = QUEUE.into();
        fixture.add(fixture.job("a")).await?;
        equal("whether it is paused", fixture.queue.is_paused(&queue).await?, false)?;
        fixture.queue.pause(&queue).await?;
        equal("whether it is paused", fixture.queue.is_paused(&queue).await?, true)?;
        fixture.add(fixture.job("b")).await?;
        equal("what is handed out", fixture.take_ids(9).await?, NONE)?;
        equal("the waiting jobs", fixture.counts().await?.waiting, 2)?;
        fixture.queue.resume(&queue).await?;
        equal("whether it is paused", fixture.queue.is_paused(&queue).await?, false)?;
        equal("what is handed out", fixture.take_ids(9).await?, ["a", "b"])
    }

    /// What is active when a queue is paused ends as it would, without a next job.
    async fn what_is_active_ends(fixture) {
        fixture.add_each(&["a", "b", "c"]).await?;
        let claimed = fixture.take(2).await?;
        fixture.queue.pause(&QUEUE.into()).await?;
        equal("the lost locks", fixture.queue.renew(&[claimed[1].lock.clone()], seconds(30)).await?, [])?;
        let finished = fixture.queue.finish(vec![finish_of(&claimed[0], done())], Some(&request(9))).await?;
        equal("the next", ids(&finished.next), NONE)?;
        fixture.settle(&claimed[1], retry_in(seconds(0))).await?;
        let counts = fixture.counts().await?;
        equal("the completed and waiting jobs", (counts.completed, counts.waiting), (1, 2))
    }

    /// A pause is one queue's, and another process keeps it.
    async fn a_pause_is_one_queues(fixture) {
        fixture.queue.pause(&QUEUE.into()).await?;
        fixture.add(fixture.job("a")).await?;
        fixture.add(fixture.job("b").in_queue("print")).await?;
        equal("what another process hands out", ids(&fixture.other.take(&request_from(QUEUE, 9)).await?), NONE)?;
        equal("whether another process says so", fixture.other.is_paused(&QUEUE.into()).await?, true)?;
        equal("the other queue's", ids(&fixture.queue.take(&request_from("print", 9)).await?), ["b"])
    }

    /// Pausing and resuming twice is as once, and a queue may be paused before it has jobs.
    async fn pausing_twice_is_as_once(fixture) {
        let queue = QUEUE.into();
        fixture.queue.resume(&queue).await?;
        fixture.queue.pause(&queue).await?;
        fixture.queue.pause(&queue).await?;
        fixture.add(fixture.job("a")).await?;
        equal("what is handed out", fixture.take_ids(9).await?, NONE)?;
        fixture.queue.resume(&queue).await?;
        equal("what is handed out", fixture.take_ids(9).await?, ["a"])?;
        fixture.queue.resume(&queue).await?;
        equal("whether it is paused", fixture.queue.is_paused(&queue).await?, false)
    }

    /// A delayed job whose time comes during a pause is handed out after it.
    async fn a_delay_passes_during_a_pause(fixture) {
        fixture.add(fixture.job("a").due_in(seconds(10))).await?;
        fixture.queue.pause(&QUEUE.into()).await?;
        fixture.pass(seconds(20)).await;
        equal("what is handed out", fixture.take_ids(9).await?, NONE)?;
        fixture.queue.resume(&QUEUE.into()).await?;
        equal("what is handed out", fixture.take_ids(9).await?, ["a"])
    }
}
