//! `routes`: what is served, and what every request passes.

use serde_json::json;

use super::Output;
use super::arguments::Json;
use super::output::line;
use super::table::Table;
use crate::runtime::kernel::Kernel;

pub(super) fn list(kernel: &Kernel, format: Json) -> Output {
    let layers: Vec<&str> = kernel.middleware().names().collect();
    if format.json {
        let routes: Vec<_> = kernel
            .routes()
            .iter()
            .map(|route| {
                json!({
                    "method": route.method,
                    "path": route.path,
                    "handler": route.handler,
                    "anonymous": route.anonymous,
                    "injects": route.injects,
                    "place": route.place.to_string(),
                })
            })
            .collect();
        return Output::json(&json!({
            "routes": routes,
            "unlisted": kernel.has_unlisted_routes(),
            "middleware": layers,
        }));
    }
    let mut table = Table::new(["METHOD", "PATH", "HANDLER", "IDENTITY", "PLACE"]);
    for route in kernel.routes() {
        table.row([
            route.method.to_owned(),
            route.path.clone(),
            route.handler.to_owned(),
            if route.anonymous { "anonymous" } else { "" }.to_owned(),
            route.place.to_string(),
        ]);
    }
    let mut text = table.or("the product has no routes");
    if kernel.has_unlisted_routes() {
        line(&mut text, format_args!("and those of a plain axum router, which cannot be listed"));
    }
    line(&mut text, format_args!("\nevery request passes: {}", layers.join(" > ")));
    Output::text(text)
}
