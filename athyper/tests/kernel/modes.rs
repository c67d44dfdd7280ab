//! A mode runs its own parts only.

use athyper::config::{Mode, Modes, Profile};
use athyper::kernel::{Kernel, KernelBuilder};

fn product(modes: impl Into<Modes>) -> KernelBuilder {
    Kernel::builder().without_inventory().profile(Profile::Test).set("http.port", 0).mode(modes)
}

#[tokio::test]
async fn only_the_parts_of_the_mode_are_made() {
    for (modes, workers, scheduler) in [
        (Modes::only(Mode::Api), false, false),
        (Modes::only(Mode::Worker), true, false),
        (Modes::only(Mode::Scheduler), false, true),
        (Modes::ALL, true, true),
    ] {
        let assembly = product(modes).build().expect("sound").assemble().await.expect("assembled");
        assert_eq!(assembly.workers().is_some(), workers, "{modes}");
        assert_eq!(assembly.scheduler().is_some(), scheduler, "{modes}");
        assert!(assembly.close().await.is_clean());
    }
}

#[tokio::test]
async fn only_the_api_serves_the_product() {
    for mode in [Mode::Worker, Mode::Scheduler] {
        let running = product(mode).set("management.port", 0).build().expect("sound").start().await.expect("started");
        assert_eq!(running.handle().http_address(), None, "{mode}");
        assert!(running.handle().management_address().is_some(), "{mode}");
        assert!(running.stop().await.expect("stopped").is_clean());
    }
}

#[test]
fn prod_must_say_its_mode() {
    let problems = Kernel::builder()
        .without_inventory()
        .profile(Profile::Prod)
        .set("database.url", "sqlite:///tmp/never-opened.db")
        .build()
        .expect_err("prod does not guess");
    assert!(problems.to_string().contains("MODE"), "{problems}");
}
