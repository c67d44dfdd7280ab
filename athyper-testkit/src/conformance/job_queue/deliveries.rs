//! Jobs that were committed elsewhere, and are added once.

use athyper::jobs::{Delivered, Delivery, Outcome, Retention};

use super::define_cases;
use super::fixture::{equal, finish_of, violation};

fn delivery(source: &str, number: i64) -> Delivery {
    Delivery { source: source.to_owned(), number }
}

/// Microseconds since 1970, which is how deliveries are numbered.
const FIRST: i64 = 1_790_000_000_000_000;

define_cases! {
    /// The jobs of a delivery are added, in their order.
    async fn a_delivery_adds_its_jobs(fixture) {
        let jobs = vec![fixture.job("a"), fixture.job("b"), fixture.job("c")];
        equal("what became of it", fixture.queue.deliver(&delivery("one", FIRST), jobs).await?, Delivered::Now)?;
        equal("what is handed out", fixture.take_ids(9).await?, ["a", "b", "c"])
    }

    /// A delivery that is repeated adds nothing, although its job is done and gone.
    async fn a_delivery_adds_its_jobs_once(fixture) {
        let mut job = fixture.job("a");
        job.envelope.options.keep_completed = Retention { count: 0, ..Retention::COMPLETED };
        let first = delivery("one", FIRST);
        equal("what became of it", fixture.queue.deliver(&first, vec![job.clone()]).await?, Delivered::Now)?;
        let claimed = fixture.take_one().await?;
        let done = finish_of(&claimed, Outcome::Complete("null".into()));
        fixture.queue.finish(vec![done], None).await?;
        equal("whether the queue holds the job", fixture.exists("a").await?, false)?;
        for queue in [&fixture.queue, &fixture.other] {
            let again = queue.deliver(&first, vec![job.clone()]).await?;
            equal("what became of it again", again, Delivered::Before)?;
        }
        equal("what is handed out", fixture.take_ids(9).await?, Vec::<String>::new())
    }

    /// A delivery that a later one has overtaken is never added under its number.
    async fn a_delivery_that_was_overtaken_adds_nothing(fixture) {
        fixture.queue.deliver(&delivery("one", FIRST + 5), vec![fixture.job("a")]).await?;
        for _ in 0..2 {
            let late = fixture.queue.deliver(&delivery("one", FIRST + 3), vec![fixture.job("b")]).await?;
            equal("what became of it", late, Delivered::Overtaken)?;
        }
        equal("what is handed out", fixture.take_ids(9).await?, ["a"])?;
        let next = fixture.queue.deliver(&delivery("one", FIRST + 6), vec![fixture.job("b")]).await?;
        equal("what became of the next", next, Delivered::Now)
    }

    /// Deliveries of one source have nothing to do with those of another.
    async fn each_source_counts_by_itself(fixture) {
        for (source, number, id) in [("one", FIRST + 5, "a"), ("two", FIRST + 3, "b"), ("three", FIRST + 5, "c")] {
            let outcome = fixture.queue.deliver(&delivery(source, number), vec![fixture.job(id)]).await?;
            equal("what became of it", outcome, Delivered::Now)?;
        }
        equal("what is handed out", fixture.take_ids(9).await?, ["a", "b", "c"])
    }

    /// A delivery without jobs counts as arrived, so that its number is used up.
    async fn a_delivery_without_jobs_counts(fixture) {
        let first = delivery("one", FIRST);
        equal("what became of it", fixture.queue.deliver(&first, Vec::new()).await?, Delivered::Now)?;
        equal("with jobs", fixture.queue.deliver(&first, vec![fixture.job("a")]).await?, Delivered::Before)?;
        equal("what is handed out", fixture.take_ids(9).await?, Vec::<String>::new())
    }

    /// The latest deliveries of a source are known to have arrived.
    async fn the_latest_deliveries_are_remembered(fixture) {
        let kept = i64::from(Delivery::REMEMBERED);
        for number in 0..2 * kept {
            let outcome = fixture.queue.deliver(&delivery("one", FIRST + number), Vec::new()).await?;
            equal("what became of it", outcome, Delivered::Now)?;
        }
        for number in [kept, kept + 1, 2 * kept - 1] {
            let again = fixture.queue.deliver(&delivery("one", FIRST + number), vec![fixture.job("a")]).await?;
            equal("what became of it again", again, Delivered::Before)?;
        }
        equal("what is handed out", fixture.take_ids(9).await?, Vec::<String>::new())
    }

    /// Of many who deliver the same at once, one does.
    async fn one_of_many_delivers(fixture) {
        let mut all = Vec::new();
        for number in 0..12 {
            let queue = if number % 2 == 0 { fixture.queue.clone() } else { fixture.other.clone() };
            // Ids of their own, so that nothing but the delivery tells them apart.
            let job = fixture.job(&format!("job-{number}"));
            all.push(tokio::spawn(async move { queue.deliver(&delivery("one", FIRST), vec![job]).await }));
        }
        let mut arrived = 0;
        for one in all {
            let outcome = one.await.map_err(|error| violation(format_args!("delivering panicked: {error}")))??;
            arrived += usize::from(outcome == Delivered::Now);
        }
        equal("how many arrived", arrived, 1)?;
        equal("how many jobs are handed out", fixture.take_ids(99).await?.len(), 1)
    }
}
