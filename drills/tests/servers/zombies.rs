//! A worker that is stopped for longer than its locks last, and goes on.

use std::collections::BTreeSet;
use std::time::Duration;

use drills::size::size;
use drills::wait;

use crate::support::{Counts, PATIENCE, Store, check_tokens, counts, enqueue, histories, product, start_worker};

/// How many jobs a round has: as many as one worker runs at once.
const JOBS: usize = 4;

fn a_worker_that_comes_back_completes_nothing_it_lost(store: &Store) {
    let rounds = size(2, 50);
    let product = product(store);
    let api = product.start_mode("api");
    let mut refused = 0;
    for round in 0..rounds {
        let zombie = start_worker(&product);
        let ids: Vec<String> = (0..JOBS).map(|number| format!("job-{round}-{number}")).collect();
        for id in &ids {
            enqueue(&api, id, 500);
        }
        let begun_by = |process: u32| {
            let histories = histories(&product);
            let begun = |id: &&String| {
                histories.get(*id).is_some_and(|history| history.starts.iter().any(|start| start.1 == process))
            };
            ids.iter().filter(begun).count()
        };
        wait::until("the worker runs all of them", PATIENCE, || (begun_by(zombie.id()) == JOBS).then_some(()));
        zombie.pause().unwrap();
        let other = start_worker(&product);
        wait::until("another worker has done all of them", PATIENCE, || {
            let histories = histories(&product);
            let done = |id: &String| histories[id].done.iter().any(|done| done.1 == other.id());
            ids.iter().all(done).then_some(())
        });
        zombie.resume().unwrap();
        // It is told, for each of them, in good time.
        wait::until("it knows that it lost them", Duration::from_secs(5), || {
            let output = zombie.output();
            let tells =
                |line: &&str| line.contains("was refused: the job is in other hands") || line.contains("given up");
            let id = |line| str::split_whitespace(line).find(|word| word.starts_with("id="));
            (output.lines().filter(tells).filter_map(id).collect::<BTreeSet<_>>().len() == JOBS).then_some(())
        });
        refused += JOBS;
        let all = Counts { completed: ((round + 1) * JOBS) as u64, failed: 0, active: 0, waiting: 0 };
        // What a handler has done is recorded a moment later.
        wait::until("every job is recorded as completed", PATIENCE, || (counts(&api) == all).then_some(()));
    }
    check_tokens(&histories(&product));
    println!("{refused} attempts of stopped workers, none completed by them");
}

#[test]
fn a_worker_that_comes_back_completes_nothing_it_lost_on_redis() {
    a_worker_that_comes_back_completes_nothing_it_lost(&Store::redis());
}

#[test]
fn a_worker_that_comes_back_completes_nothing_it_lost_on_postgres() {
    a_worker_that_comes_back_completes_nothing_it_lost(&Store::postgres());
}
