//! A product uses the stores it needs, and invents none in profile `prod`.

use std::sync::Arc;

use athyper::config::{Mode, Profile};
use athyper::container::Provide;
use athyper::http::{Inject, Router, get};
use athyper::kernel::{Kernel, KernelBuilder};
use athyper::sql::{Db, Migration};

/// Its queue and its leases are in a file that somebody named; nobody says where the database is.
fn product(folder: &tempfile::TempDir) -> KernelBuilder {
    let queue = format!("sqlite://{}", folder.path().join("queue.db").display());
    Kernel::builder()
        .without_inventory()
        .profile(Profile::Prod)
        .mode(Mode::Api)
        .set("http.host", "127.0.0.1")
        .set("http.port", 0)
        .set("jobs.url", queue.clone())
        .set("leases.url", queue)
}

#[tokio::test]
async fn prod_asks_for_no_database_that_nothing_wants() {
    let folder = tempfile::tempdir().expect("a folder");
    let kernel = product(&folder).build().expect("nothing wants a database");
    assert!(kernel.stores().all(|store| store.port.key() != "database.url"));
    let assembly = kernel.assemble().await.expect("assembled");
    assert!(assembly.database().is_none());
    let error = assembly.container().resolve::<Arc<Db>>().await.expect_err("there is none");
    assert!(error.report().contains("DATABASE_URL"), "{}", error.report());
    assert!(assembly.close().await.is_clean());
}

#[test]
fn prod_wants_to_be_told_of_a_database_that_is_used() {
    async fn handler(Inject(_): Inject<Db>) {}
    struct Users;
    let folder = tempfile::tempdir().expect("a folder");
    let component =
        Provide::<Users>::factory(|_| Box::pin(async { Ok(Arc::new(Users)) })).wants::<Arc<Db>>("field `db`");
    let migration = Migration { version: 1, name: "users", sql: "CREATE TABLE users (id TEXT)" };
    for (what, product) in [
        ("a handler", product(&folder).routes(Router::new().route("/users", get(handler)))),
        ("a component", product(&folder).provider(component)),
        ("a migration", product(&folder).migrations(&[migration])),
    ] {
        let problems = product.build().expect_err(what);
        assert!(problems.to_string().contains("nobody set `database.url`"), "{what}: {problems}");
    }
}
