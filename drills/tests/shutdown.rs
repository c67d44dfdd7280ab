//! SIGTERM under load: what was accepted is answered, what overran is named and handed back, and a second signal is obeyed.
#![allow(clippy::disallowed_methods, reason = "drills watch real processes in real time")]

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use drills::client::{self, Outcome};
use drills::product::Product;
use drills::size::size;
use drills::wait;

const PATIENCE: Duration = Duration::from_secs(30);

/// What clients saw of the requests they sent.
#[derive(Default)]
struct Seen {
    answered: BTreeSet<String>,
    unanswered: BTreeSet<String>,
}

#[test]
fn every_request_that_was_accepted_is_answered() {
    for round in 0..size(3, 20) {
        let product = Product::drill().with("ATHYPER__HTTP__DRAIN_TIMEOUT", "10s");
        let mut running = product.start();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let stop = Arc::new(AtomicBool::new(false));
        let address = running.http;
        let clients: Vec<_> = (0..16)
            .map(|client| {
                let (seen, stop) = (Arc::clone(&seen), Arc::clone(&stop));
                thread::spawn(move || {
                    // Enough for the longest round, and an end if nobody tells them to stop.
                    for number in 0..10_000 {
                        if stop.load(Ordering::Relaxed) {
                            return;
                        }
                        let id = format!("{client}-{number}");
                        let outcome = client::get(address, &format!("/slow/{id}/{}", (client * 37) % 300));
                        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
                        match outcome {
                            Outcome::Answered(response) if response.status == 200 => {
                                assert_eq!(response.text(), format!("{id} answered"));
                                seen.answered.insert(id);
                            }
                            // Nobody listens any more.
                            Outcome::Refused(_) => return,
                            Outcome::Answered(_) | Outcome::Broken(_) => {
                                seen.unanswered.insert(id);
                            }
                        }
                    }
                })
            })
            .collect();
        let enough = 100 + round * 7;
        wait::until("clients are under way", PATIENCE, || {
            (seen.lock().unwrap_or_else(PoisonError::into_inner).answered.len() > enough).then_some(())
        });
        running.terminate().expect("a running process can be told to stop");
        let status = running.await_end(PATIENCE);
        stop.store(true, Ordering::Relaxed);
        for client in clients {
            client.join().expect("a client does not panic");
        }
        assert_eq!(status.code(), Some(0), "{}", running.output());
        let seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        let accepted: BTreeSet<String> =
            product.journal().of("accepted").iter().map(|event| event.word(0).to_owned()).collect();
        let cut_off: Vec<_> = accepted.intersection(&seen.unanswered).collect();
        assert!(cut_off.is_empty(), "accepted and not answered: {cut_off:?}");
        assert!(seen.answered.is_subset(&accepted), "answered by nobody");
        assert!(accepted.len() > enough);
    }
}

#[test]
fn a_job_that_overruns_the_deadline_is_named_and_handed_back() {
    let product = Product::drill().with("ATHYPER__JOBS__DRAIN_TIMEOUT", "1s").with("ATHYPER__JOBS__LOCK", "60s");
    let journal = product.journal();
    let mut running = product.start();
    assert_eq!(running.post("/work", r#"{"id":"short","milliseconds":400}"#).status, 201);
    assert_eq!(running.post("/work", r#"{"id":"endless","milliseconds":600000}"#).status, 201);
    wait::until("both run", PATIENCE, || (journal.of("start").len() == 2).then_some(()));
    let told = Instant::now();
    running.terminate().expect("a running process can be told to stop");
    let status = running.await_end(PATIENCE);
    assert!(told.elapsed() < Duration::from_secs(10), "it took {:?} to stop", told.elapsed());
    assert_ne!(status.code(), Some(0), "a job overran, so not everything stopped in time");
    assert_eq!(status.code(), Some(1), "it ended by itself:\n{}", running.output());
    let done: Vec<_> = journal.of("done").iter().map(|event| event.word(0).to_owned()).collect();
    assert_eq!(done, ["short"], "what could finish in time did");
    assert!(running.output().contains("work"), "the log names the job that overran:\n{}", running.output());

    // Handed back, not lost to its lock of a minute: the next worker has it at once.
    let _next = product.start();
    let again = || journal.of("start").iter().filter(|event| event.word(0) == "endless").count() == 2;
    wait::until("the job starts again", Duration::from_secs(20), || again().then_some(()));
}

#[test]
fn a_second_signal_ends_the_process_at_once() {
    let product = Product::drill().with("ATHYPER__JOBS__DRAIN_TIMEOUT", "60s");
    let journal = product.journal();
    let mut running = product.start();
    assert_eq!(running.post("/work", r#"{"id":"endless","milliseconds":600000}"#).status, 201);
    wait::until("the job runs", PATIENCE, || (!journal.of("start").is_empty()).then_some(()));
    running.terminate().expect("a running process can be told to stop");
    wait::until("it is stopping", PATIENCE, || {
        (client::get(running.management, "/readyz").status() != Some(200)).then_some(())
    });
    assert!(running.ended().is_none(), "one signal lets the job go on");
    running.terminate().expect("a stopping process can be told again");
    let status = running.await_end(Duration::from_secs(5));
    assert_ne!(status.code(), Some(0));
}
