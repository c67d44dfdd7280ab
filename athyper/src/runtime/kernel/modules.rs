//! Whether the crates that registered items are those the product says it is made of.
//!
//! A crate that nobody named was linked because some code happens to use it: the day that code goes, its jobs, schedules and
//! components go too, without a word.

use std::collections::{BTreeMap, BTreeSet};

use crate::foundation::container::Place;
use crate::foundation::problem::{Problem, ProblemClass, Problems};
use crate::private::{ModuleDescriptor, ModuleList, crate_of};

/// An item that a macro registered: where its code lies, and what it is called in a report.
pub(super) struct RegisteredItem {
    pub(super) module: &'static str,
    pub(super) label: &'static str,
    pub(super) place: Place,
}

/// Compares the crates that items came from with those that say they are modules, and with those that are named.
pub(super) fn check_modules(items: impl Iterator<Item = RegisteredItem>) -> Problems {
    let declared: Vec<&ModuleDescriptor> = inventory::iter::<ModuleDescriptor>.into_iter().collect();
    let lists: Vec<&ModuleList> = inventory::iter::<ModuleList>.into_iter().collect();
    compare(items, &declared, &lists)
}

fn compare(
    items: impl Iterator<Item = RegisteredItem>,
    declared: &[&ModuleDescriptor],
    lists: &[&ModuleList],
) -> Problems {
    let mut firsts: BTreeMap<&'static str, RegisteredItem> = BTreeMap::new();
    for item in items {
        firsts.entry(crate_of(item.module)).or_insert(item);
    }
    let listed: BTreeSet<&str> = lists.iter().flat_map(|list| list.modules).map(|module| module.name).collect();
    let products: Vec<&ModuleDescriptor> = declared.iter().filter(|module| module.is_product).copied().collect();
    let mut problems = Problems::new();
    let mut unlisted: Vec<(&ModuleDescriptor, &RegisteredItem)> = Vec::new();
    for (name, item) in &firsts {
        match declared.iter().find(|module| module.name == *name) {
            None => problems.push(undeclared(name, item)),
            Some(module) if !listed.contains(name) => unlisted.push((module, item)),
            Some(_) => {}
        }
    }
    if products.is_empty() {
        // A test, or a `main` written by hand: one package may be the product, but nothing says which.
        let packages: BTreeSet<&str> = unlisted.iter().map(|(module, _)| module.package).collect();
        if packages.len() > 1 {
            problems.push(ambiguous(&unlisted));
        }
        return problems;
    }
    for (module, item) in unlisted {
        if !products.iter().any(|product| product.package == module.package) {
            problems.push(unnamed(module, item, &products, lists));
        }
    }
    problems
}

fn undeclared(name: &str, item: &RegisteredItem) -> Problem {
    let what = format!("crate `{name}` registers items but does not say that it is a module");
    such_as(Problem::new(ProblemClass::Wiring, "ATH-MODULE-UNDECLARED", what), item).with_fix(format!(
        "write `athyper::module!();` in the root of `{name}`, and `athyper::modules!({name});` in the product"
    ))
}

fn unnamed(
    module: &ModuleDescriptor,
    item: &RegisteredItem,
    products: &[&ModuleDescriptor],
    lists: &[&ModuleList],
) -> Problem {
    let name = module.name;
    let what = format!("crate `{name}` registers items but the product does not name it");
    let mut problem = such_as(Problem::new(ProblemClass::Wiring, "ATH-MODULE-UNNAMED", what), item);
    for product in products {
        problem = problem.with_detail("product", format!("crate `{}`", product.name), Some(product.place.to_string()));
    }
    for list in lists {
        let names: Vec<&str> = list.modules.iter().map(|module| module.name).collect();
        let text = format!("`modules!({})` of crate `{}`", names.join(", "), list.by);
        problem = problem.with_detail("named", text, Some(list.place.to_string()));
    }
    problem.with_fix(format!("write `athyper::modules!({name});` in the product, or add `{name}` to the list it has"))
}

fn ambiguous(unlisted: &[(&ModuleDescriptor, &RegisteredItem)]) -> Problem {
    let names: Vec<String> = unlisted.iter().map(|(module, _)| format!("`{}`", module.name)).collect();
    let what = format!("crates {} register items and none of them names another", names.join(", "));
    let problem = Problem::new(ProblemClass::Wiring, "ATH-MODULE-UNNAMED", what);
    unlisted
        .iter()
        .fold(problem, |problem, (_, item)| such_as(problem, item))
        .with_fix("write `athyper::modules!(…);` in the one that is the product, with the names of the others")
}

fn such_as(problem: Problem, item: &RegisteredItem) -> Problem {
    problem.with_detail("such as", item.label, Some(item.place.to_string()))
}

#[cfg(test)]
mod tests {
    use super::{ModuleDescriptor, ModuleList, Place, RegisteredItem, compare};

    const PLACE: Place = Place { file: "src/lib.rs", line: 1, column: 1 };
    static SHOP: ModuleDescriptor = ModuleDescriptor::new("shop", Some("shop"), PLACE);
    static SHOP_TESTS: ModuleDescriptor = ModuleDescriptor::new("checkout", Some("shop"), PLACE);
    static BINARY: ModuleDescriptor = ModuleDescriptor::product("shop_server", Some("shop-server"), PLACE);
    static BILLING: ModuleDescriptor = ModuleDescriptor::new("billing", None, PLACE);

    fn codes(items: &[&'static str], declared: &[&ModuleDescriptor], lists: &[&ModuleList]) -> Vec<&'static str> {
        let items = items.iter().map(|module| RegisteredItem { module, label: "job `a`", place: PLACE });
        compare(items, declared, lists).iter().map(|problem| problem.code).collect()
    }

    #[test]
    fn a_crate_that_is_no_module_is_found() {
        assert_eq!(codes(&["shop::a", "stray::b", "stray::c"], &[&SHOP], &[]), ["ATH-MODULE-UNDECLARED"]);
    }

    #[test]
    fn without_a_main_one_package_may_be_unnamed() {
        static LIST: ModuleList = ModuleList { by: "shop", place: PLACE, modules: &[&BILLING] };
        let (items, declared) = (["shop::a", "checkout", "billing::b"], [&SHOP, &SHOP_TESTS, &BILLING]);
        assert_eq!(codes(&items[..2], &declared, &[]), [""; 0]);
        assert_eq!(codes(&items, &declared, &[]), ["ATH-MODULE-UNNAMED"]);
        assert_eq!(codes(&items, &declared, &[&LIST]), [""; 0]);
    }

    #[test]
    fn a_main_in_a_package_of_its_own_names_the_product_library() {
        static LIST: ModuleList = ModuleList { by: "shop_server", place: PLACE, modules: &[&SHOP] };
        assert_eq!(codes(&["shop::a"], &[&SHOP, &BINARY], &[]), ["ATH-MODULE-UNNAMED"]);
        assert_eq!(codes(&["shop::a", "shop_server"], &[&SHOP, &BINARY], &[&LIST]), [""; 0]);
    }
}
