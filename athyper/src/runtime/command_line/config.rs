//! `config`: every key, its value and where it came from.

use super::Output;
use super::arguments::Json;
use super::table::Table;
use crate::runtime::kernel::Kernel;

pub(super) fn list(kernel: &Kernel, format: Json) -> Output {
    let effective = kernel.configuration().effective();
    if format.json {
        return Output::json(&effective);
    }
    let mut table = Table::new(["KEY", "VALUE", "SET BY"]);
    for entry in effective.iter() {
        let value = entry.value.clone().unwrap_or_else(|| "-".to_owned());
        table.row([entry.key.clone(), value, entry.origin.clone()]);
    }
    Output::text(table.to_text())
}
