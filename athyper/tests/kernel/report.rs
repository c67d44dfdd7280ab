//! One report of everything that is wrong with a product.

use std::sync::Arc;

use athyper::container::{Provide, Scope};
use athyper::http::{Inject, Router, get};
use athyper::kernel::{Kernel, KernelBuilder};

trait Mailer: Send + Sync {}

struct Newsletter;
struct Hen;
struct Egg;
struct Session;
struct Registry;
struct NobodyProvidesThis;

fn broken(kernel: KernelBuilder) -> KernelBuilder {
    kernel
        .without_inventory()
        .environment([("ATHYPER__HTTP__PROT".to_owned(), "80".to_owned())])
        .set("jobs.url", "redsi://localhost:6379")
        .provider(
            Provide::<Newsletter>::factory(|_| Box::pin(async { Ok(Arc::new(Newsletter)) }))
                .wants::<Arc<dyn Mailer>>("parameter `mailer`"),
        )
        .provider(
            Provide::<Hen>::factory(|_| Box::pin(async { Ok(Arc::new(Hen)) })).wants::<Arc<Egg>>("parameter `egg`"),
        )
        .provider(
            Provide::<Egg>::factory(|_| Box::pin(async { Ok(Arc::new(Egg)) })).wants::<Arc<Hen>>("parameter `hen`"),
        )
        .provider(Provide::<Session>::factory(|_| Box::pin(async { Ok(Arc::new(Session)) })).scope(Scope::Request))
        .provider(
            Provide::<Registry>::factory(|_| Box::pin(async { Ok(Arc::new(Registry)) }))
                .wants::<Arc<Session>>("parameter `session`"),
        )
}

#[test]
fn five_mistakes_are_one_report_with_places_and_fixes() {
    let problems = broken(Kernel::builder()).build().expect_err("a product with five mistakes");
    let report = problems.to_string();
    let mut codes: Vec<_> = problems.iter().map(|problem| problem.code).collect();
    codes.sort_unstable();
    assert_eq!(
        codes,
        ["ATH-CONFIG-UNKNOWN", "ATH-GRAPH-CAPTIVE", "ATH-GRAPH-CYCLE", "ATH-GRAPH-MISSING", "ATH-STORE-SCHEME"],
        "{report}"
    );
    assert!(report.starts_with("the kernel cannot start: 5 problems"), "{report}");
    for part in ["dyn Mailer", "Hen", "Egg", "Session", "ATHYPER__HTTP__PROT", "did you mean PORT?", "redsi", "sqlite"]
    {
        assert!(report.contains(part), "`{part}` is missing in\n{report}");
    }
    assert!(report.matches("report.rs:").count() >= 3, "places are missing in\n{report}");
    assert!(problems.iter().all(|problem| problem.fix.is_some()), "{report}");
    assert_eq!(problems.exit_code(), 70, "wiring is mended first");
}

#[test]
fn what_a_handler_injects_must_be_provided() {
    async fn handler(Inject(_): Inject<NobodyProvidesThis>) {}
    let problems = Kernel::builder()
        .without_inventory()
        .routes(Router::new().route("/orders", get(handler)))
        .build()
        .expect_err("a handler wants what nobody provides");
    let report = problems.to_string();
    assert!(report.contains("nothing provides `NobodyProvidesThis`"), "{report}");
    assert!(report.contains("route GET /orders, handler `handler`"), "{report}");
}

#[test]
fn what_a_handler_injects_is_found_by_its_type() {
    async fn handler(Inject(_): Inject<Newsletter>, Inject(_): Inject<dyn Mailer>) {}
    struct Nobody;
    impl Mailer for Nobody {}
    let kernel = Kernel::builder()
        .without_inventory()
        .provide(Newsletter)
        .provide_dyn::<dyn Mailer>(Arc::new(Nobody))
        .routes(Router::new().route("/", get(handler)))
        .build()
        .expect("everything is provided");
    assert_eq!(kernel.routes()[0].injects.len(), 2);
    assert_eq!(kernel.graph().roots().len(), 1);
}
