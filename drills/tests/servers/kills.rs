//! SIGKILL of workers that have jobs in their hands.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use drills::ledger::Ledger;
use drills::process::Running;
use drills::product::Product;
use drills::size::size;
use drills::wait;

use crate::support::{
    History, PATIENCE, Store, await_done, check_tokens, counts, enqueue, histories, product, start_worker,
};

const WORKERS: usize = 3;
/// How many jobs one worker runs at once.
const SLOTS: usize = 4;

/// Kills one worker after the other, each while it runs a job, and starts it anew, while the API accepts one id after the other.
/// Answers the API's process, the workers, and what was accepted.
fn kill_workers(
    product: &Product,
    goal: usize,
    kills: usize,
    accept: impl Fn(&Running, &str) + Sync,
) -> (Running, Vec<Running>, BTreeSet<String>) {
    let ledger = Ledger::open(&product.folder().join("ledger")).unwrap();
    let api = product.start_mode("api");
    let mut workers: Vec<Running> = (0..WORKERS).map(|_| start_worker(product)).collect();
    let (accepted, have_been_killed) = (AtomicUsize::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(|| {
            // There is something to run as long as there is somebody to kill.
            for number in 0.. {
                if number >= goal && have_been_killed.load(Ordering::Relaxed) {
                    return;
                }
                let id = format!("job-{number}");
                accept(&api, &id);
                ledger.note(&id).unwrap();
                accepted.fetch_add(1, Ordering::Relaxed);
            }
        });
        for kill in 1..=kills {
            let due = goal * kill / (kills + 1);
            wait::until("jobs are accepted", PATIENCE, || (accepted.load(Ordering::Relaxed) >= due).then_some(()));
            let victim = &mut workers[kill % WORKERS];
            let process = victim.id();
            wait::until("the worker runs a job", PATIENCE, || {
                let histories = histories(product);
                let runs = |history: &History| {
                    history.starts.iter().any(|start| start.1 == process && !history.done.contains(start))
                };
                histories.values().any(runs).then_some(())
            });
            victim.kill().unwrap();
            *victim = start_worker(product);
        }
        have_been_killed.store(true, Ordering::Relaxed);
    });
    (api, workers, ledger.entries().unwrap())
}

fn one_job(api: &Running, id: &str) {
    enqueue(api, id, 30);
}

fn no_accepted_job_is_lost(store: &Store) {
    let (goal, kills) = (size(300, 100_000), size(6, 300));
    let product = product(store);
    let (_api, _workers, promised) = kill_workers(&product, goal, kills, one_job);
    assert!(promised.len() >= goal);
    let histories = await_done(&product, promised.iter());
    check_tokens(&histories);
    let twice: usize = histories.values().map(|history| history.done.len() - 1).sum();
    let begun_again: usize = histories.values().map(|history| history.starts.len() - 1).sum();
    assert!(begun_again <= kills * SLOTS, "{begun_again} attempts were begun again after {kills} kills");
    println!("{} accepted, {kills} kills: 0 lost, {begun_again} begun again, {twice} done twice", promised.len());
}

#[test]
fn no_accepted_job_is_lost_on_redis() {
    no_accepted_job_is_lost(&Store::redis());
}

#[test]
fn no_accepted_job_is_lost_on_postgres() {
    no_accepted_job_is_lost(&Store::postgres());
}

/// How many children each parent has.
const MEMBERS: usize = 5;

fn no_accepted_flow_is_lost(store: &Store) {
    let (goal, kills) = (size(60, 20_000), size(6, 300));
    let product = product(store);
    let (_api, _workers, promised) = kill_workers(&product, goal, kills, |api, id| {
        let body = format!(r#"{{"id":"{id}","members":{MEMBERS},"milliseconds":30}}"#);
        let response = api.post("/families", &body);
        assert_eq!(response.status, 201, "{}", response.text());
    });
    check_tokens(&await_done(&product, promised.iter()));
    let (mut done, mut parents) = (BTreeSet::new(), 0);
    for event in product.journal().events() {
        let id = event.word(0);
        let is_parent = promised.contains(id);
        match &*event.what {
            "start" if is_parent => {
                let all = (0..MEMBERS).all(|number| done.contains(&format!("{id}/{number}")));
                assert!(all, "{id} began before its children were done");
                parents += 1;
            }
            "members" => assert_eq!(event.word(1), MEMBERS.to_string(), "the results that {id} found"),
            "done" => drop(done.insert(id.to_owned())),
            _ => {}
        }
    }
    let begun_again = parents - promised.len();
    println!(
        "{} parents with {MEMBERS} children each, {kills} kills: 0 lost, {begun_again} begun again",
        promised.len()
    );
}

#[test]
fn no_accepted_flow_is_lost_on_redis() {
    no_accepted_flow_is_lost(&Store::redis());
}

#[test]
fn no_accepted_flow_is_lost_on_postgres() {
    no_accepted_flow_is_lost(&Store::postgres());
}

/// The known-bad control: locks that never run out, so that nobody takes a dead worker's jobs back.
fn without_recovery_jobs_are_lost(store: &Store) {
    let product = product(store).with("ATHYPER__JOBS__LOCK", "24h");
    let (api, workers, promised) = kill_workers(&product, size(100, 1_000), size(3, 30), one_job);
    wait::until("nothing waits any more", PATIENCE, || (counts(&api).waiting == 0).then_some(()));
    let living: Vec<u32> = workers.iter().map(Running::id).collect();
    wait::until("what runs has ended", PATIENCE, || {
        let histories = histories(&product);
        let has_ended = |history: &History| {
            history.starts.iter().all(|start| !living.contains(&start.1) || history.done.contains(start))
        };
        histories.values().all(has_ended).then_some(())
    });
    let lost = || {
        let histories = histories(&product);
        promised.iter().filter(|id| histories.get(*id).is_none_or(|history| history.done.is_empty())).count()
    };
    let what = "a job is lost: otherwise the drill proves nothing, for it finds no loss without recovery either";
    wait::throughout(what, Duration::from_secs(1), || lost() > 0);
    let lost = lost();
    println!("{} accepted, {lost} lost without recovery", promised.len());
}

#[test]
fn without_recovery_the_same_kills_lose_jobs_on_redis() {
    without_recovery_jobs_are_lost(&Store::redis());
}

#[test]
fn without_recovery_the_same_kills_lose_jobs_on_postgres() {
    without_recovery_jobs_are_lost(&Store::postgres());
}
