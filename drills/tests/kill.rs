//! SIGKILL while jobs are running: what was accepted is done in the end, and would not be without recovery.
#![allow(clippy::disallowed_methods, reason = "drills watch real processes in real time")]

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use drills::client::{self, Outcome};
use drills::ledger::Ledger;
use drills::process::Running;
use drills::product::Product;
use drills::size::size;
use drills::store::Store;
use drills::wait;

const CLIENTS: usize = 4;
const PATIENCE: Duration = Duration::from_secs(120);

const ACTIVE: &str = "state = 'active'";
const UNFINISHED: &str = "state IN ('waiting', 'delayed')";

/// Sign-ups against whatever process is running, each 201 in the ledger before the next request.
struct Clients {
    address: Arc<Mutex<SocketAddr>>,
    accepted: Arc<AtomicUsize>,
    threads: Vec<thread::JoinHandle<()>>,
}

impl Clients {
    fn start(ledger: &Arc<Ledger>, address: SocketAddr, goal: usize) -> Self {
        let address = Arc::new(Mutex::new(address));
        let accepted = Arc::new(AtomicUsize::new(0));
        let threads = (0..CLIENTS)
            .map(|client| {
                let (ledger, address) = (Arc::clone(ledger), Arc::clone(&address));
                let accepted = Arc::clone(&accepted);
                thread::spawn(move || {
                    for number in 0.. {
                        if accepted.load(Ordering::Relaxed) >= goal {
                            return;
                        }
                        let email = format!("user-{client}-{number}@example.org");
                        let to = *address.lock().unwrap_or_else(PoisonError::into_inner);
                        match client::post(to, "/users", &format!(r#"{{"email":"{email}"}}"#)) {
                            Outcome::Answered(response) if response.status == 201 => {
                                ledger.note(&email).expect("the ledger is writable");
                                accepted.fetch_add(1, Ordering::Relaxed);
                            }
                            Outcome::Answered(response) => panic!("{}: {}", response.status, response.text()),
                            // The process was killed: nothing was promised, and nothing may be repeated.
                            Outcome::Refused(_) | Outcome::Broken(_) => thread::sleep(Duration::from_millis(5)),
                        }
                    }
                })
            })
            .collect();
        Self { address, accepted, threads }
    }

    fn go_to(&self, address: SocketAddr) {
        *self.address.lock().unwrap_or_else(PoisonError::into_inner) = address;
    }

    fn accepted(&self) -> usize {
        self.accepted.load(Ordering::Relaxed)
    }

    fn finish(self) -> usize {
        for thread in self.threads {
            thread.join().expect("a client does not panic");
        }
        self.accepted.load(Ordering::Relaxed)
    }
}

/// So many rows of the job queue.
fn jobs(product: &Product, condition: &str) -> i64 {
    let mut store = Store::open(&product.database()).expect("the database exists");
    store.number(&format!("SELECT count(*) FROM athyper_jobs WHERE {condition}")).expect("the queue's table")
}

fn effects(product: &Product) -> BTreeSet<String> {
    let mut store = Store::open(&product.database()).expect("the database exists");
    store.column("SELECT recipient FROM mails").expect("the product's table").into_iter().collect()
}

/// Kills the product so often, each time with a job active, while clients sign up. Answers the process that runs at the end
/// and what was promised.
fn kill_under_load(product: &Product, goal: usize, kills: usize) -> (Running, BTreeSet<String>) {
    let ledger = Arc::new(Ledger::open(&product.folder().join("ledger")).expect("a ledger"));
    let mut running = product.start();
    let clients = Clients::start(&ledger, running.http, goal);
    for kill in 1..=kills {
        // Spread over the whole run, so that each kill meets another state of the queue.
        let due = goal * kill / (kills + 1);
        wait::until("clients make progress", PATIENCE, || (clients.accepted() >= due).then_some(()));
        loop {
            wait::until("a job is active", PATIENCE, || (jobs(product, ACTIVE) > 0).then_some(()));
            running.kill().expect("a running process can be killed");
            // It counts only if the queue that the dead process left shows a job that was running.
            let hit = jobs(product, ACTIVE) > 0;
            running = product.start();
            clients.go_to(running.http);
            if hit {
                break;
            }
        }
    }
    let accepted = clients.finish();
    let promised = ledger.entries().expect("a readable ledger");
    assert_eq!(promised.len(), accepted, "the ledger holds what was accepted");
    assert!(accepted >= goal, "{accepted} of {goal} sign-ups were accepted");
    (running, promised)
}

#[test]
fn no_accepted_job_is_lost() {
    let product =
        Product::quickstart().with("ATHYPER__JOBS__LOCK", "2s").with("ATHYPER__JOBS__STALLED_INTERVAL", "500ms");
    let (_running, promised) = kill_under_load(&product, size(200, 1_000), size(6, 30));
    let lost = || promised.difference(&effects(&product)).cloned().collect::<Vec<_>>();
    let begin = Instant::now();
    while !lost().is_empty() && begin.elapsed() < PATIENCE {
        thread::sleep(Duration::from_millis(100));
    }
    let lost = lost();
    assert!(lost.is_empty(), "{} of {} accepted jobs are lost: {lost:?}", lost.len(), promised.len());
    println!("{} accepted, 0 lost", promised.len());
}

/// The known-bad control: the same drill, with locks that never run out, so that nobody takes a dead worker's jobs back.
#[test]
fn without_recovery_the_same_kills_lose_jobs() {
    let product = Product::quickstart().with("ATHYPER__JOBS__LOCK", "24h");
    let (_running, promised) = kill_under_load(&product, size(100, 1_000), size(3, 30));
    wait::until("nothing is left to do", PATIENCE, || (jobs(&product, UNFINISHED) == 0).then_some(()));
    let lost = promised.difference(&effects(&product)).count();
    assert!(lost > 0, "the drill proves nothing: it finds no loss without recovery either");
    println!("{} accepted, {lost} lost without recovery", promised.len());
}
