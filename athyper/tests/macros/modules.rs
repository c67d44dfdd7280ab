//! `athyper::module!`.

use athyper::kernel::Kernel;
use athyper::private::{ModuleDescriptor, crate_of, inventory};

athyper::module!();

#[test]
fn a_crate_says_that_it_is_a_module() {
    let names: Vec<&str> = inventory::iter::<ModuleDescriptor>.into_iter().map(|module| module.name).collect();
    assert_eq!(names, ["macros"]);
    assert_eq!(__ATHYPER_MODULE.name, "macros");
    assert_eq!((crate_of("a::b::c"), crate_of("a")), ("a", "a"));
}

#[test]
fn marked_functions_are_registered_by_hand() {
    let builder = || Kernel::builder().without_inventory();
    let kernel = builder().register(super::schedules::beat).register(super::jobs::count).build().unwrap();
    assert_eq!(kernel.schedules().len(), 1);
    let report = builder().register(marked_functions_are_registered_by_hand).build().unwrap_err().to_string();
    assert!(report.contains("ATH-ITEM-UNMARKED"), "{report}");
    assert!(report.contains("tests/macros/modules.rs"), "{report}");
}
