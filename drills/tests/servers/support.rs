//! A fleet on a store, and what its journal tells.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use athyper_testkit::services::{FaultProxy, PostgresServer, RedisServer};
use drills::client;
use drills::process::Running;
use drills::product::Product;
use drills::wait;

/// How long anything may take that is not what the drill measures.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// Where the jobs are.
pub(crate) enum Store {
    Redis(RedisServer),
    Postgres(PostgresServer),
}

impl Store {
    /// A Redis that acknowledges what is on its disk.
    pub(crate) fn redis() -> Self {
        Self::Redis(RedisServer::start_with(&[("appendfsync", "always")]))
    }

    pub(crate) fn postgres() -> Self {
        Self::Postgres(PostgresServer::start())
    }

    pub(crate) fn url(&self) -> String {
        match self {
            Self::Redis(server) => server.url(),
            Self::Postgres(server) => server.url(),
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        match self {
            Self::Redis(server) => server.address(),
            Self::Postgres(server) => server.address(),
        }
    }

    /// The URL by which a proxy is reached.
    pub(crate) fn url_through(&self, proxy: &FaultProxy) -> String {
        self.url().replace(&self.address().to_string(), &proxy.address().to_string())
    }

    pub(crate) fn kill(&self) {
        match self {
            Self::Redis(server) => server.kill(),
            Self::Postgres(server) => server.kill(),
        }
    }

    pub(crate) fn restart(&self) {
        match self {
            Self::Redis(server) => server.restart(),
            Self::Postgres(server) => server.restart(),
        }
    }
}

/// The drills' product with its jobs in a store, locks of two seconds, and silent workers looked for twice a second.
pub(crate) fn product(store: &Store) -> Product {
    Product::drill()
        .with("ATHYPER__JOBS__URL", store.url())
        .with("ATHYPER__JOBS__LOCK", "2s")
        .with("ATHYPER__JOBS__STALLED_INTERVAL", "500ms")
}

pub(crate) fn start_worker(product: &Product) -> Running {
    product.start_mode("worker")
}

/// A worker that reaches the store through a proxy.
pub(crate) fn start_worker_behind(product: &Product, url: String) -> Running {
    product.start_with(&[("MODE".to_owned(), "worker".to_owned()), ("ATHYPER__JOBS__URL".to_owned(), url)])
}

/// Enqueues a job that takes so long; it is accepted once this returns.
pub(crate) fn enqueue(api: &Running, id: &str, milliseconds: u64) {
    let response = api.post("/work", &format!(r#"{{"id":"{id}","milliseconds":{milliseconds}}}"#));
    assert_eq!(response.status, 201, "{}", response.text());
}

/// How many jobs are in which state, as the queue says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) waiting: u64,
    pub(crate) active: u64,
    pub(crate) completed: u64,
    pub(crate) failed: u64,
}

pub(crate) fn counts(api: &Running) -> Counts {
    let text = api.get("/counts").text();
    let numbers: Vec<u64> = text.split(' ').map(|number| number.parse().unwrap()).collect();
    Counts { waiting: numbers[0], active: numbers[1], completed: numbers[2], failed: numbers[3] }
}

/// Waits until nothing waits or runs any more, also what is run once more because its lock ran out.
#[track_caller]
pub(crate) fn await_rest(api: &Running) {
    wait::until("nothing waits or runs", PATIENCE, || {
        let answers = client::get(api.http, "/counts").status() == Some(200);
        (answers && matches!(counts(api), Counts { waiting: 0, active: 0, .. })).then_some(())
    });
}

/// What happened to each job: its starts as token and process, and how often it was done.
#[derive(Debug, Default)]
pub(crate) struct History {
    pub(crate) starts: Vec<(u32, u32)>,
    pub(crate) done: Vec<(u32, u32)>,
}

pub(crate) fn histories(product: &Product) -> BTreeMap<String, History> {
    let mut histories: BTreeMap<String, History> = BTreeMap::new();
    for event in product.journal().events() {
        let history = histories.entry(event.word(0).to_owned()).or_default();
        let entry = (event.word(1).parse().unwrap(), event.word(2).parse().unwrap());
        match &*event.what {
            "start" => history.starts.push(entry),
            "done" => history.done.push(entry),
            _ => {}
        }
    }
    histories
}

/// Waits until each of these jobs is done.
#[track_caller]
pub(crate) fn await_done<'a>(
    product: &Product,
    ids: impl Iterator<Item = &'a String> + Clone,
) -> BTreeMap<String, History> {
    wait::until("every accepted job is done", PATIENCE, || {
        let histories = histories(product);
        let is_done = |id: &String| histories.get(id).is_some_and(|history| !history.done.is_empty());
        ids.clone().all(is_done).then_some(histories)
    })
}

/// No attempt was handed out twice: the token of a job only grows.
#[track_caller]
pub(crate) fn check_tokens(histories: &BTreeMap<String, History>) {
    for (id, History { starts, .. }) in histories {
        let tokens: Vec<u32> = starts.iter().map(|(token, _)| *token).collect();
        assert!(tokens.windows(2).all(|pair| pair[0] < pair[1]), "job {id} was started with the tokens {tokens:?}");
    }
}

/// Whether a worker says that it is ready.
pub(crate) fn is_ready(worker: &Running) -> bool {
    client::get(worker.management, "/readyz").status() == Some(200)
}
