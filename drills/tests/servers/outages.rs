//! A store that is away, or cannot be reached, while workers wait or work.

use std::collections::BTreeSet;
use std::thread;
use std::time::{Duration, Instant};

use athyper_testkit::services::{Fault, FaultProxy};
use drills::process::Running;
use drills::product::Product;
use drills::size::size;
use drills::wait;

use crate::support::{
    PATIENCE, Store, await_done, await_rest, check_tokens, enqueue, histories, is_ready, product, start_worker_behind,
};

/// How soon a worker must begin a job once the store can be reached again.
const RESUMES_WITHIN: Duration = Duration::from_secs(5);

/// What goes wrong.
#[derive(Debug, Clone, Copy)]
enum Outage {
    Killed(Duration),
    BlackHole(Duration),
    Refused(Duration),
    Reset,
    HalfClosed,
    Sliced,
}

/// A store, a worker that reaches it through a proxy, and an API that reaches it directly.
struct Scene {
    // They end first, while what they printed can still be read.
    worker: Running,
    api: Running,
    product: Product,
    proxy: FaultProxy,
    store: Store,
    accepted: BTreeSet<String>,
}

impl Scene {
    fn new(store: Store) -> Self {
        let proxy = FaultProxy::start(store.address());
        let product = product(&store);
        let (api, worker) = (product.start_mode("api"), start_worker_behind(&product, store.url_through(&proxy)));
        Self { store, product, proxy, api, worker, accepted: BTreeSet::new() }
    }

    fn enqueue(&mut self, milliseconds: u64) -> String {
        let id = format!("job-{}", self.accepted.len());
        enqueue(&self.api, &id, milliseconds);
        self.accepted.insert(id.clone());
        id
    }

    /// Lets it happen, and be over.
    fn suffer(&self, outage: Outage) {
        match outage {
            Outage::Killed(pause) => {
                self.store.kill();
                last(pause);
                self.store.restart();
            }
            Outage::BlackHole(pause) | Outage::Refused(pause) => {
                let is_black = matches!(outage, Outage::BlackHole(_));
                self.proxy.set(if is_black { Fault::BlackHole } else { Fault::Refuse });
                if !is_black {
                    self.proxy.reset();
                }
                last(pause);
                self.proxy.set(Fault::None);
            }
            Outage::Reset => self.proxy.reset(),
            Outage::HalfClosed => self.proxy.half_close(),
            Outage::Sliced => {
                self.proxy.set(Fault::Slice(7));
                last(Duration::from_millis(500));
                self.proxy.set(Fault::None);
            }
        }
    }

    /// A job that is enqueued now is begun in time.
    fn check_resumes(&mut self, outage: Outage) -> Duration {
        let over = Instant::now();
        // The API itself may need a moment to find the store again.
        let id = wait::until("a job is accepted", PATIENCE, || {
            let id = format!("job-{}", self.accepted.len());
            let body = format!(r#"{{"id":"{id}","milliseconds":0}}"#);
            (drills::client::post(self.api.http, "/work", &body).status() == Some(201)).then_some(id)
        });
        self.accepted.insert(id.clone());
        let what = format!("a job is begun after {outage:?}");
        wait::until(&what, RESUMES_WITHIN.saturating_sub(over.elapsed()), || {
            histories(&self.product).get(&id).is_some_and(|history| !history.starts.is_empty()).then_some(())
        });
        let took = over.elapsed();
        assert!(took <= RESUMES_WITHIN, "{what} only after {took:?}");
        took
    }
}

/// For so long the fault lasts: it is what the drill does, not what it waits for.
fn last(time: Duration) {
    thread::sleep(time);
}

fn outages() -> Vec<Outage> {
    let seconds = Duration::from_secs;
    let mut all = vec![
        Outage::Killed(seconds(1)),
        Outage::Reset,
        Outage::BlackHole(seconds(2)),
        Outage::HalfClosed,
        Outage::Refused(seconds(2)),
        Outage::Sliced,
    ];
    if size(false, true) {
        let cycle = all.clone();
        (1..16).for_each(|_| all.extend(cycle.iter().copied()));
        for (pause, times) in [(5, 10), (15, 5), (60, 5), (180, 2)] {
            for _ in 0..times {
                all.extend([Outage::BlackHole(seconds(pause)), Outage::Killed(seconds(pause))]);
            }
        }
    }
    all
}

/// Whoever waits when the store goes away takes jobs again soon after it is back.
fn idle_workers_resume(store: Store) {
    let mut scene = Scene::new(store);
    let mut longest = Duration::ZERO;
    let outages = outages();
    for outage in &outages {
        scene.suffer(*outage);
        longest = longest.max(scene.check_resumes(*outage));
    }
    let histories = await_done(&scene.product, scene.accepted.iter());
    check_tokens(&histories);
    println!("{} outages with idle workers: resumed within {longest:?}", outages.len());
}

/// Whoever works goes on, and nothing that was accepted is lost.
fn busy_workers_resume(store: Store) {
    let mut scene = Scene::new(store);
    let mut longest = Duration::ZERO;
    let outages = outages();
    for outage in &outages {
        for _ in 0..20 {
            scene.enqueue(100);
        }
        wait::until("the worker is busy", PATIENCE, || {
            let histories = histories(&scene.product);
            histories.values().any(|history| history.done.len() < history.starts.len()).then_some(())
        });
        scene.suffer(*outage);
        assert!(scene.worker.ended().is_none(), "the worker ended:\n{}", scene.worker.output());
        await_done(&scene.product, scene.accepted.iter());
        await_rest(&scene.api);
        longest = longest.max(scene.check_resumes(*outage));
    }
    let histories = await_done(&scene.product, scene.accepted.iter());
    check_tokens(&histories);
    let (outages, jobs) = (outages.len(), scene.accepted.len());
    println!("{outages} outages with busy workers, {jobs} jobs: 0 lost, begun within {longest:?}");
}

/// A worker that gets no answer says that jobs are not moving, and takes it back once they are.
fn readiness_is_honest(store: Store) {
    let scene = Scene::new(store);
    assert!(is_ready(&scene.worker));
    scene.proxy.set(Fault::BlackHole);
    wait::until("the worker says that it is not ready", Duration::from_secs(15), || {
        (!is_ready(&scene.worker)).then_some(())
    });
    scene.proxy.set(Fault::None);
    wait::until("the worker is ready again", RESUMES_WITHIN, || is_ready(&scene.worker).then_some(()));
}

macro_rules! on_both {
    ($($drill:ident: $redis:ident, $postgres:ident;)*) => {
        $(
            #[test]
            fn $redis() {
                $drill(Store::redis());
            }

            #[test]
            fn $postgres() {
                $drill(Store::postgres());
            }
        )*
    };
}

on_both! {
    idle_workers_resume: idle_workers_resume_on_redis, idle_workers_resume_on_postgres;
    busy_workers_resume: busy_workers_resume_on_redis, busy_workers_resume_on_postgres;
    readiness_is_honest: readiness_is_honest_on_redis, readiness_is_honest_on_postgres;
}
