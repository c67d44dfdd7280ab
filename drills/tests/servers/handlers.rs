//! Handlers that do what no handler should: what becomes of them, of their jobs and of their neighbours.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use drills::size::size;
use drills::wait;

use crate::support::{PATIENCE, Store, await_rest, check_tokens, counts, enqueue, histories, product};

const MANNERS: [&str; 7] = ["panic", "abort", "abort", "block", "loop", "leak", "garbage"];
/// A job may be taken back from two workers that ended; the third one fails it.
const MOST_ABORTS: usize = 3;

fn misbehaving_handlers_harm_nobody_else(store: &Store) {
    let product = product(store);
    let api = product.start_mode("api");
    let neighbours: Vec<String> = (0..size(60, 1_000)).map(|number| format!("neighbour-{number}")).collect();
    let manners: Vec<(String, &str)> =
        MANNERS.iter().enumerate().map(|(n, manner)| (format!("{manner}-{n}"), *manner)).collect();
    for (number, id) in neighbours.iter().enumerate() {
        if let Some((id, manner)) = manners.get(number / 5).filter(|_| number % 5 == 2) {
            let response = api.post("/misbehave", &format!(r#"{{"id":"{id}","manner":"{manner}"}}"#));
            assert_eq!(response.status, 201, "{}", response.text());
        }
        enqueue(&api, id, 20);
    }
    let is_over = AtomicBool::new(false);
    /// Ends the supervisor, also when the drill fails.
    struct Over<'a>(&'a AtomicBool);
    impl Drop for Over<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let (ended, histories) = thread::scope(|scope| {
        // Starts the worker again each time it ends, as whatever runs it in production does.
        let supervisor = scope.spawn(|| {
            let mut ended = 0;
            let start = || product.spawn(&[("MODE".to_owned(), "worker".to_owned())]);
            let mut worker = start();
            loop {
                let is_over = wait::until("the worker ends, or the drill", 3 * PATIENCE, || {
                    if is_over.load(Ordering::Relaxed) { Some(true) } else { worker.ended().map(|_| false) }
                });
                if is_over {
                    return ended;
                }
                ended += 1;
                worker = start();
            }
        });
        let over = Over(&is_over);
        await_rest(&api);
        drop(over);
        (supervisor.join().unwrap(), histories(&product))
    });
    check_tokens(&histories);
    for id in &neighbours {
        let history = histories.get(id);
        assert!(history.is_some_and(|history| !history.done.is_empty()), "{id} is lost: {history:?}");
    }
    let found = counts(&api);
    // Failed for good: the one that panics, those that end their process, the one that never ends.
    assert_eq!((found.failed, found.completed), (4, (neighbours.len() + 3) as u64));
    for (id, manner) in &manners {
        let history = &histories[id];
        let (starts, done) = (history.starts.len(), history.done.len());
        match *manner {
            "panic" => assert!(starts >= 2 && done == 0, "{id}: {starts} starts"),
            "abort" => assert!((1..=MOST_ABORTS).contains(&starts) && done == 0, "{id}: {starts} starts"),
            // Each attempt is ended by its time-out; more begin when somebody else ends their process.
            "loop" => assert!(starts >= 2 && done == 0, "{id}: {starts} starts"),
            "garbage" => assert!(starts >= 1, "{id}: what is no JSON is stored as null"),
            _ => assert!(done >= 1, "{id}"),
        }
    }
    assert!(ended <= 2 * MOST_ABORTS, "{ended} processes ended");
    println!("{} neighbours done, {ended} processes ended by their handlers", neighbours.len());
}

#[test]
fn misbehaving_handlers_harm_nobody_else_on_redis() {
    misbehaving_handlers_harm_nobody_else(&Store::redis());
}

#[test]
fn misbehaving_handlers_harm_nobody_else_on_postgres() {
    misbehaving_handlers_harm_nobody_else(&Store::postgres());
}
