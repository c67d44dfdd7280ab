//! The probes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use athyper::health::{Health, HealthCheck, HealthRegistry, HealthStatus, Readiness, ReadinessPart};
use athyper::http::{management_router, probe_router};
use serde_json::json;
use tokio::sync::Barrier;

use crate::support::{ask, clock, get, registry, within};

#[derive(Debug)]
struct Part {
    name: &'static str,
    required: bool,
    found: Health,
}

#[async_trait]
impl HealthCheck for Part {
    fn name(&self) -> &str {
        self.name
    }

    fn is_required(&self) -> bool {
        self.required
    }

    async fn check(&self) -> Health {
        self.found.clone()
    }
}

fn ready() -> Readiness {
    let readiness = Readiness::new();
    readiness.started();
    readiness
}

fn with(parts: Vec<Part>) -> HealthRegistry {
    let health = HealthRegistry::new(clock());
    for part in parts {
        health.add(Arc::new(part));
    }
    health
}

fn part(name: &'static str, required: bool, found: Health) -> Part {
    Part { name, required, found }
}

#[tokio::test]
async fn health_is_that_of_the_worst_part() {
    let away = || Health::unhealthy("connection to 10.0.0.7:5432 refused, version 15.3");
    for (parts, status, word) in [
        (vec![], 200, "healthy"),
        (vec![part("a", true, Health::healthy())], 200, "healthy"),
        (vec![part("a", true, Health::degraded("slow"))], 200, "degraded"),
        (vec![part("a", true, Health::healthy()), part("b", true, away())], 503, "unhealthy"),
        (vec![part("a", true, Health::healthy()), part("b", false, away())], 200, "degraded"),
    ] {
        let router = probe_router(with(parts), ready(), None);
        let reply = ask(router, get("/health")).await;
        assert_eq!((reply.status(), &reply.json()["status"]), (status, &json!(word)));
        assert!(!reply.body.contains("10.0.0.7") && !reply.body.contains("15.3"), "{}", reply.body);
    }
    let health = with(vec![part("database", true, away())]);
    let reply = ask(probe_router(health.clone(), ready(), None), get("/health")).await;
    assert_eq!(reply.json(), json!({"status": "unhealthy", "parts": [{"name": "database", "status": "unhealthy"}]}));
    let reply = ask(management_router(health, ready(), registry()), get("/health")).await;
    assert!(reply.body.contains("10.0.0.7"), "operators read why");
}

#[derive(Debug)]
struct Together(Arc<Barrier>, &'static str);

#[async_trait]
impl HealthCheck for Together {
    fn name(&self) -> &str {
        self.1
    }

    async fn check(&self) -> Health {
        self.0.wait().await;
        Health::healthy()
    }
}

#[tokio::test]
async fn checks_run_side_by_side() {
    let health = HealthRegistry::new(clock());
    let barrier = Arc::new(Barrier::new(3));
    for name in ["a", "b", "c"] {
        health.add(Arc::new(Together(Arc::clone(&barrier), name)));
    }
    assert_eq!(within(health.report()).await.status, HealthStatus::Healthy);
}

#[derive(Debug)]
struct Stuck;

#[async_trait]
impl HealthCheck for Stuck {
    fn name(&self) -> &str {
        "stuck"
    }

    async fn check(&self) -> Health {
        std::future::pending().await
    }
}

#[derive(Debug)]
struct Panics;

#[async_trait]
impl HealthCheck for Panics {
    fn name(&self) -> &str {
        "panics"
    }

    async fn check(&self) -> Health {
        panic!("on purpose")
    }
}

#[tokio::test]
async fn a_check_that_hangs_or_panics_has_failed() {
    let clock = clock();
    let health = HealthRegistry::with_timeout(clock.clone(), Duration::from_secs(2));
    health.add(Arc::new(Panics));
    health.add(Arc::new(Stuck));
    let asking = tokio::spawn(async move { health.report().await });
    tokio::task::yield_now().await;
    clock.advance(Duration::from_secs(2)).await;
    let report = within(asking).await.unwrap();
    assert!(report.parts.iter().all(|part| part.status == HealthStatus::Unhealthy), "{report:?}");
    assert_eq!(report.parts.len(), 2);
}

#[derive(Debug, Default)]
struct Moving(AtomicBool);

impl ReadinessPart for Moving {
    fn name(&self) -> &str {
        "jobs"
    }

    fn is_ready(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

#[tokio::test]
async fn readiness_waits_for_the_start_for_parts_and_for_requirements() {
    let readiness = Readiness::new();
    let moving = Arc::new(Moving::default());
    readiness.require(moving.clone());
    let health = with(vec![part("cache", false, Health::unhealthy("x"))]);
    let router = probe_router(health.clone(), readiness.clone(), None);
    let look = async || {
        let reply = ask(router.clone(), get("/readyz")).await;
        (reply.status(), reply.json()["waiting_for"].clone())
    };
    assert_eq!(look().await, (503, json!(["starting"])));
    readiness.started();
    assert_eq!(look().await, (503, json!(["jobs"])));
    moving.0.store(true, Ordering::Relaxed);
    assert_eq!(look().await, (200, json!(null)), "a part that is not required does not count");
    readiness.stopping();
    assert_eq!(look().await, (503, json!(["stopping"])));
    let failing = probe_router(with(vec![part("database", true, Health::unhealthy("secret"))]), ready(), None);
    let reply = ask(failing, get("/readyz")).await;
    assert_eq!((reply.status(), &reply.json()["waiting_for"]), (503, &json!(["database"])));
}

#[derive(Debug)]
struct Counted(Arc<AtomicUsize>);

#[async_trait]
impl HealthCheck for Counted {
    fn name(&self) -> &str {
        "counted"
    }

    async fn check(&self) -> Health {
        self.0.fetch_add(1, Ordering::Relaxed);
        Health::unhealthy("away")
    }
}

#[tokio::test]
async fn liveness_touches_no_dependency() {
    let count = Arc::new(AtomicUsize::new(0));
    let health = HealthRegistry::new(clock());
    health.add(Arc::new(Counted(Arc::clone(&count))));
    let router = probe_router(health, Readiness::new(), None);
    let reply = ask(router, get("/livez")).await;
    assert_eq!((reply.status(), count.load(Ordering::Relaxed)), (200, 0));
}

#[derive(Debug)]
struct Gated(Arc<AtomicUsize>, Arc<tokio::sync::Semaphore>);

#[async_trait]
impl HealthCheck for Gated {
    fn name(&self) -> &str {
        "gated"
    }

    async fn check(&self) -> Health {
        self.0.fetch_add(1, Ordering::Relaxed);
        self.1.acquire().await.unwrap().forget();
        Health::healthy()
    }
}

#[tokio::test]
async fn a_crowd_of_probes_shares_the_checks() {
    let count = Arc::new(AtomicUsize::new(0));
    let gate = Arc::new(tokio::sync::Semaphore::new(0));
    let health = HealthRegistry::new(clock());
    health.add(Arc::new(Gated(Arc::clone(&count), Arc::clone(&gate))));
    let crowd: Vec<_> = (0..100)
        .map(|_| {
            let health = health.clone();
            tokio::spawn(async move { health.report().await.status })
        })
        .collect();
    while count.load(Ordering::Relaxed) == 0 {
        tokio::task::yield_now().await;
    }
    gate.add_permits(100);
    for asking in crowd {
        assert_eq!(within(asking).await.unwrap(), HealthStatus::Healthy);
    }
    assert!(count.load(Ordering::Relaxed) <= 2, "{count:?}");
    health.report().await;
    assert!(count.load(Ordering::Relaxed) >= 2, "a later question is a new look");
}

#[tokio::test]
async fn metrics_stand_where_they_were_put() {
    let registry = registry();
    let reply = ask(management_router(with(vec![]), ready(), registry.clone()), get("/metrics")).await;
    assert!(reply.header("content-type").unwrap().starts_with("text/plain; version=0.0.4"));
    assert_eq!(ask(probe_router(with(vec![]), ready(), Some(registry)), get("/metrics")).await.status(), 200);
    assert_eq!(ask(probe_router(with(vec![]), ready(), None), get("/metrics")).await.status(), 404);
}
