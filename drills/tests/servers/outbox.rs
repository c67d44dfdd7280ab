//! SIGKILL of processes that commit jobs for a queue which is not in their database, and of those that move them there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, RwLock};
use std::thread;

use athyper_testkit::services::{Fault, FaultProxy};
use drills::client;
use drills::ledger::Ledger;
use drills::process::Running;
use drills::product::Product;
use drills::size::size;
use drills::wait;

use crate::support::{History, PATIENCE, Store, check_tokens, histories, product};

/// How many processes there are, each with HTTP, workers and a relay.
const PROCESSES: usize = 3;
const MODES: &str = "api,worker";

/// Places one order; answers the status, or nothing if it is not known what became of it.
fn place(process: &Running, id: &str, keep: bool, outside: bool) -> Option<u16> {
    let body = format!(r#"{{"id":"{id}","keep":{keep},"outside":{outside}}}"#);
    client::post(process.http, "/orders", &body).status()
}

/// What is known of the orders that were placed.
#[derive(Debug, Default)]
struct Placed {
    undone: BTreeSet<String>,
    unknown: BTreeSet<String>,
}

/// Places orders at all processes while one after the other is killed and started anew. Of each four orders one is undone.
fn place_and_kill(product: &Product, ledger: &Ledger, goal: usize, kills: usize) -> (Vec<Running>, Placed) {
    let processes: Vec<RwLock<Running>> = (0..PROCESSES).map(|_| RwLock::new(product.start_mode(MODES))).collect();
    let placed = Mutex::new(Placed::default());
    let (accepted, have_been_killed) = (AtomicUsize::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        for client in 0..PROCESSES {
            let (processes, placed, accepted, have_been_killed) = (&processes, &placed, &accepted, &have_been_killed);
            scope.spawn(move || {
                for number in 0.. {
                    if accepted.load(Ordering::Relaxed) >= goal && have_been_killed.load(Ordering::Relaxed) {
                        return;
                    }
                    let id = format!("order-{client}-{number}");
                    let keep = number % 4 != 3;
                    // Each process has a client of its own; a process that is started anew is waited for.
                    match place(&processes[client].read().unwrap(), &id, keep, false) {
                        Some(201) => {
                            ledger.note(&id).unwrap();
                            accepted.fetch_add(1, Ordering::Relaxed);
                        }
                        Some(409) => drop(placed.lock().unwrap().undone.insert(id)),
                        _ => drop(placed.lock().unwrap().unknown.insert(id)),
                    }
                }
            });
        }
        for kill in 1..=kills {
            let due = goal * kill / (kills + 1);
            wait::until("orders are placed", PATIENCE, || (accepted.load(Ordering::Relaxed) >= due).then_some(()));
            let victim = &processes[kill % PROCESSES];
            // In the middle of whatever its clients asked for.
            victim.read().unwrap().kill_at_once().unwrap();
            let mut victim = victim.write().unwrap();
            *victim = product.start_mode(MODES);
        }
        have_been_killed.store(true, Ordering::Relaxed);
    });
    (processes.into_iter().map(|process| process.into_inner().unwrap()).collect(), placed.into_inner().unwrap())
}

fn done(histories: &BTreeMap<String, History>) -> BTreeSet<String> {
    histories.iter().filter(|(_, history)| !history.done.is_empty()).map(|(id, _)| id.clone()).collect()
}

fn committed(process: &Running) -> BTreeSet<String> {
    process.get("/orders").text().split_whitespace().map(str::to_owned).collect()
}

/// Each order that is committed is run, once as far as the queue hands it out, and none that is not.
fn orders_and_jobs_are_one(database: Option<&Store>) {
    let (goal, kills) = (size(200, 20_000), size(6, 200));
    let queue = Store::redis();
    // Answers come late, and some never: what was moved is not known to have been.
    let proxy = FaultProxy::start(queue.address());
    let mut product = product(&queue).with("ATHYPER__JOBS__URL", queue.url_through(&proxy));
    if let Some(database) = database {
        product.set("DATABASE_URL", database.url());
    }
    let ledger = Ledger::open(&product.folder().join("ledger")).unwrap();
    proxy.set(Fault::LoseAnswers { one_of: 150 });
    let (processes, placed) = place_and_kill(&product, &ledger, goal, kills);
    proxy.set(Fault::None);
    let promised = ledger.entries().unwrap();
    let committed = committed(&processes[0]);
    assert!(promised.is_subset(&committed), "{:?}", promised.difference(&committed).collect::<Vec<_>>());
    let histories = wait::until("every committed order is done", PATIENCE, || {
        let histories = histories(&product);
        committed.is_subset(&done(&histories)).then_some(histories)
    });
    let begun: BTreeSet<String> = histories.keys().cloned().collect();
    let phantoms: Vec<&String> = begun.difference(&committed).collect();
    assert!(phantoms.is_empty(), "jobs of transactions that never were: {phantoms:?}");
    assert!(!placed.undone.is_empty());
    // A job that was moved twice would begin again with its first token.
    check_tokens(&histories);
    let unknown = placed.unknown.len();
    println!(
        "{} committed ({} promised, {unknown} not known), {} undone, {kills} kills: each committed one is run, none is moved twice",
        committed.len(),
        promised.len(),
        placed.undone.len()
    );
}

#[test]
fn orders_in_sqlite_and_their_jobs_in_redis_are_one() {
    orders_and_jobs_are_one(None);
}

#[test]
fn orders_in_postgres_and_their_jobs_in_redis_are_one() {
    orders_and_jobs_are_one(Some(&Store::postgres()));
}

/// The known-bad control: a job that is enqueued beside the transaction runs although that is undone.
#[test]
fn jobs_that_are_enqueued_outside_run_for_orders_that_never_were() {
    let queue = Store::redis();
    let product = product(&queue);
    let process = product.start_mode(MODES);
    assert_eq!(place(&process, "phantom", false, true), Some(409));
    wait::until("the phantom is run", PATIENCE, || done(&histories(&product)).contains("phantom").then_some(()));
    assert!(committed(&process).is_empty());
    assert_eq!(place(&process, "sound", true, false), Some(201));
    wait::until("the sound one is run", PATIENCE, || done(&histories(&product)).contains("sound").then_some(()));
}
