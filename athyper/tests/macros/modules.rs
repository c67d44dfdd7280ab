//! `athyper::module!`.

use athyper::private::{ModuleDescriptor, crate_of, inventory};

athyper::module!();

#[test]
fn a_crate_says_that_it_is_a_module() {
    let names: Vec<&str> = inventory::iter::<ModuleDescriptor>.into_iter().map(|module| module.name).collect();
    assert_eq!(names, ["macros"]);
    assert_eq!(__ATHYPER_MODULE.name, "macros");
    assert_eq!((crate_of("a::b::c"), crate_of("a")), ("a", "a"));
}
