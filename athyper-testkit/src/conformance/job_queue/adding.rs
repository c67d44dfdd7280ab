//! Adding jobs: what arrives, and what is a duplicate.

use athyper::jobs::{Added, JobState};

use super::define_cases;
use super::fixture::{JobExt, QUEUE, done, equal, failed, ids, request_from, seconds, violation};

/// Ids and texts that break quoting, patterns, numbers and encodings.
const ODD_TEXTS: &[&str] = &[
    "0",
    "-1",
    "007",
    "9223372036854775808",
    " ",
    "two words",
    "it's",
    "\"quoted\"",
    "50%",
    "a_b",
    "a:b:c",
    "../../etc",
    "DROP TABLE jobs;--",
    "ß–漢字",
    "👩‍👩‍👧",
    "e\u{301}",
    "\u{e9}",
    "line\nbreak\ttab",
    "null",
    "wait",
    "UPPER",
    "upper",
];

define_cases! {
    /// A job is handed out as it was added: payload byte for byte, kind, version, context, options.
    async fn a_job_is_handed_out_as_it_was_added(fixture) {
        let mut job = fixture.job("a").payload("{\"b\" : 1.0e2,\n \"a\":\"\\u00e4 ä\", \"a\": 2 }").priority(77);
        job.envelope.version = 3;
        job.envelope.options.attempts = 9;
        job.envelope.options.timeout = Some(seconds(7));
        job.envelope.context = job.envelope.context.with_tenant("acme");
        let wanted = job.envelope.clone();
        let before = fixture.clock.now();
        fixture.add(job).await?;
        let claimed = fixture.take_one().await?;
        equal("the job", &claimed.envelope, &wanted)?;
        equal("its queue in the lock", claimed.lock.queue.as_str(), QUEUE)?;
        equal("its id in the lock", claimed.lock.id.as_str(), "a")?;
        equal("when it was enqueued", claimed.created_at, before)?;
        equal("when it became ready", claimed.due_at, before)
    }

    /// Each job is answered with its id, in the order of the jobs, and is no duplicate.
    async fn each_job_is_answered_in_order(fixture) {
        let jobs = ["c", "a", "b"].map(|id| fixture.job(id));
        let added = fixture.queue.add(jobs.to_vec()).await?;
        let wanted = ["c", "a", "b"].map(|id| Added { id: id.into(), duplicate: false });
        equal("the answers", added, wanted)
    }

    /// Adding nothing is answered with nothing.
    async fn adding_nothing_is_fine(fixture) {
        let added = fixture.queue.add(Vec::new()).await?;
        equal("the answers", added, [])?;
        equal("the queues", fixture.queue.queues().await?, [])
    }

    /// A thousand jobs are added in one call.
    async fn a_thousand_jobs_are_added_at_once(fixture) {
        let jobs = (0..1_000).map(|number| fixture.job(&format!("job-{number:04}"))).collect();
        let added = fixture.queue.add(jobs).await?;
        equal("the number of answers", added.len(), 1_000)?;
        equal("the number of waiting jobs", fixture.counts().await?.waiting, 1_000)?;
        let taken = fixture.take_ids(2_000).await?;
        let wanted: Vec<String> = (0..1_000).map(|number| format!("job-{number:04}")).collect();
        equal("the jobs that were handed out", taken, wanted)
    }

    /// One call may add jobs of several queues.
    async fn jobs_of_several_queues_are_added_at_once(fixture) {
        fixture.queue.add(vec![fixture.job("a"), fixture.job("b").in_queue("print")]).await?;
        equal("the jobs of the first queue", fixture.take_ids(9).await?, ["a"])?;
        let other = fixture.queue.take(&request_from("print", 9)).await?;
        equal("the jobs of the second queue", ids(&other), ["b"])
    }

    /// An id that waits already is answered as a duplicate, and the first job stands.
    async fn an_id_that_waits_is_a_duplicate(fixture) {
        let first = fixture.add(fixture.job("a").payload("1")).await?;
        equal("the first answer", first.duplicate, false)?;
        let second = fixture.add(fixture.job("a").payload("2")).await?;
        equal("the second answer", second, Added { id: "a".into(), duplicate: true })?;
        let claimed = fixture.take(9).await?;
        equal("the jobs", ids(&claimed), ["a"])?;
        equal("the payload", &*claimed[0].envelope.payload, b"1".as_slice())
    }

    /// An id that a worker holds is a duplicate.
    async fn an_id_that_is_active_is_a_duplicate(fixture) {
        fixture.add_and_take("a").await?;
        let second = fixture.add(fixture.job("a")).await?;
        equal("the answer", second.duplicate, true)?;
        equal("what else is handed out", fixture.take_ids(9).await?, Vec::<String>::new())
    }

    /// An id that has finished and is still kept is a duplicate, and does not run again.
    async fn an_id_that_finished_is_a_duplicate(fixture) {
        for (id, outcome) in [("a", done()), ("b", failed())] {
            let claimed = fixture.add_and_take(id).await?;
            fixture.settle(&claimed, outcome).await?;
            equal("the answer", fixture.add(fixture.job(id)).await?.duplicate, true)?;
        }
        equal("what else is handed out", fixture.take_ids(9).await?, Vec::<String>::new())?;
        fixture.expect_state("a", JobState::Completed).await
    }

    /// Duplicates within one call are found.
    async fn duplicates_within_one_call_are_found(fixture) {
        let jobs = vec![fixture.job("a"), fixture.job("a"), fixture.job("b")];
        let added: Vec<bool> = fixture.queue.add(jobs).await?.iter().map(|added| added.duplicate).collect();
        equal("which are duplicates", added, [false, true, false])?;
        equal("the number of jobs", fixture.counts().await?.waiting, 2)
    }

    /// The same id in two queues names two jobs.
    async fn an_id_belongs_to_its_queue(fixture) {
        fixture.add(fixture.job("a")).await?;
        let second = fixture.add(fixture.job("a").in_queue("print")).await?;
        equal("whether the second is a duplicate", second.duplicate, false)?;
        let claimed = fixture.take_one().await?;
        fixture.settle(&claimed, done()).await?;
        let other = fixture.queue.take(&request_from("print", 9)).await?;
        equal("the jobs of the second queue", ids(&other), ["a"])
    }

    /// Any text serves as an id, and texts that differ are different ids.
    async fn any_text_is_an_id(fixture) {
        fixture.add_each(ODD_TEXTS).await?;
        let claimed = fixture.take(100).await?;
        equal("the ids", ids(&claimed), ODD_TEXTS)?;
        for claimed in &claimed {
            fixture.settle(claimed, done()).await?;
            fixture.expect_state(claimed.envelope.id.as_str(), JobState::Completed).await?;
        }
        Ok(())
    }

    /// Any text serves as a kind, a unique key and a serial key.
    async fn any_text_is_a_key(fixture) {
        for (number, text) in ODD_TEXTS.iter().enumerate() {
            let job = fixture.job(&format!("job-{number}")).of_kind(text).unique(text, seconds(60)).serial(text);
            equal(&format!("whether {text:?} is a duplicate"), fixture.add(job).await?.duplicate, false)?;
        }
        let claimed = fixture.take(100).await?;
        let kinds: Vec<&str> = claimed.iter().map(|claimed| &*claimed.envelope.kind).collect();
        equal("the kinds", kinds, ODD_TEXTS)
    }

    /// Payloads of every shape and of a megabyte pass through.
    async fn any_json_is_a_payload(fixture) {
        let large = format!("\"{}\"", "ä\\u0000\\n".repeat(100_000));
        let payloads = ["null", "[]", "0", "1e400", "123456789012345678901234567890", "\"\\ud83d\"", "  {}  ", &large];
        for (number, payload) in payloads.iter().enumerate() {
            fixture.add(fixture.job(&format!("job-{number}")).payload(payload)).await?;
        }
        for (claimed, payload) in fixture.take(100).await?.iter().zip(payloads) {
            if claimed.envelope.payload != payload.as_bytes() {
                return Err(violation(format_args!("the payload {:.60} was changed", payload)));
            }
        }
        Ok(())
    }

    /// A job that was added is seen by another process.
    async fn another_process_sees_what_was_added(fixture) {
        fixture.add(fixture.job("a")).await?;
        equal("the count", fixture.other.counts(&QUEUE.into()).await?.waiting, 1)?;
        let claimed = fixture.other.take(&request_from(QUEUE, 1)).await?;
        equal("the jobs handed out there", ids(&claimed), ["a"])?;
        equal("the jobs handed out here", fixture.take_ids(9).await?, Vec::<String>::new())
    }
}
