//! A product that uses a crate and does not name it: the crate is linked as long as some line of code uses it, and boot says so.

use billing as _;
use framework::kernel::Kernel;
use framework::prelude::*;

#[framework::main]
fn app(kernel: KernelBuilder) -> KernelBuilder {
    kernel
}

#[test]
fn a_crate_that_is_linked_and_not_named_keeps_the_product_from_starting() {
    let problems = app(Kernel::builder()).build().expect_err("`billing` is not named");
    let report = problems.to_string();
    let codes: Vec<&str> = problems.iter().map(|problem| problem.code).collect();
    assert_eq!(codes, ["ATH-MODULE-UNNAMED"], "{report}");
    for part in
        ["crate `billing`", "billing/src/", "crate `forgotten`", "tests/forgotten.rs:8", "athyper::modules!(billing)"]
    {
        assert!(report.contains(part), "`{part}` is missing in\n{report}");
    }
    assert_eq!(problems.exit_code(), 70);
    assert!(app(Kernel::builder()).without_inventory().build().is_ok(), "by hand nothing is taken along");
}
