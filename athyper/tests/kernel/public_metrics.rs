//! Metrics on the product's port are warned of where everybody can reach it.

use std::io::Write;
use std::sync::{Arc, Mutex};

use athyper::config::{Mode, Modes, Profile};
use athyper::kernel::Kernel;

#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("no panic").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// How often a product warns of it while it starts.
async fn warnings(profile: Profile, modes: Modes, has_management_port: bool) -> usize {
    let folder = tempfile::tempdir().expect("a folder");
    let mut product = Kernel::builder()
        .without_inventory()
        .profile(profile)
        .mode(modes)
        .set("http.host", "127.0.0.1")
        .set("http.port", 0)
        .set("management.host", "127.0.0.1")
        .set("database.url", format!("sqlite://{}", folder.path().join("product.db").display()));
    if has_management_port {
        product = product.set("management.port", 0);
    }
    let written = Written::default();
    let writer = written.clone();
    // Otherwise a thread without a subscriber can settle, for all, that nobody wants a line (`tracing` asks one alone).
    let _ = tracing::subscriber::set_global_default(tracing_subscriber::registry());
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let running = product.build().expect("sound").start().await.expect("started");
    assert!(running.stop().await.expect("stopped").is_clean());
    let text = String::from_utf8(written.0.lock().expect("no panic").clone()).expect("text");
    assert!(text.contains("started"), "{text}");
    text.lines().filter(|line| line.contains("WARN") && line.contains("ATH-METRICS-PUBLIC")).count()
}

#[tokio::test]
async fn prod_warns_of_metrics_on_the_products_port_and_nobody_else_does() {
    let worker = Modes::only(Mode::Worker);
    for (profile, modes, has_management_port, expected) in [
        (Profile::Prod, Modes::ALL, false, 1),
        (Profile::Prod, Modes::only(Mode::Api), false, 1),
        (Profile::Prod, Modes::ALL, true, 0),
        (Profile::Prod, worker, false, 0),
        (Profile::Dev, Modes::ALL, false, 0),
    ] {
        let found = warnings(profile, modes, has_management_port).await;
        assert_eq!(found, expected, "{profile:?} {modes} {has_management_port}");
    }
}
