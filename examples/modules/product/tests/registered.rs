//! What the library registers is in the product, whatever the profile: `cargo test --release` links with fat LTO.

use std::process::Command;

use framework::kernel::Kernel;
use framework::prelude::*;

// A crate that has nothing but the prelude, under which the macros find athyper.
framework::module!();

#[inject]
struct OfTheTest {
    kernel: Lazy<u8>,
}

fn product() -> Kernel {
    modules_product::app(Kernel::builder()).provide(1_u8).build().expect("a sound product")
}

#[test]
fn the_jobs_of_both_crates_are_known() {
    let kernel = product();
    let mut jobs: Vec<(&str, u32)> = kernel.jobs().jobs().map(|job| (job.kind, job.version)).collect();
    jobs.sort_unstable();
    assert_eq!(jobs, [("greet", 1), ("print_invoice", 2), ("schedule.remind", 1), ("write_audit_line", 1)]);
    assert_eq!(kernel.schedules().len(), 1);
}

#[test]
fn the_components_of_both_crates_are_in_the_graph() {
    let labels: Vec<String> = product().graph().nodes().iter().map(|node| node.label.to_string()).collect();
    for label in ["struct `Console`", "struct `OfTheTest`"] {
        assert!(labels.iter().any(|known| known == label), "{label} is not among {labels:?}");
    }
    let _: fn(OfTheTest) -> Lazy<u8> = |component| component.kernel;
}

#[test]
fn the_binary_lists_them() {
    let output = Command::new(env!("CARGO_BIN_EXE_modules-product")).args(["jobs", "--json"]).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    for kind in ["greet", "print_invoice", "schedule.remind", "write_audit_line"] {
        assert!(text.contains(&format!("\"{kind}\"")), "{kind} is not in {text}");
    }
}
