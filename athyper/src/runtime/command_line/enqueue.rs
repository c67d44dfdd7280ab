//! `enqueue`: adding one job by name.

use serde_json::json;

use super::Output;
use super::arguments::Json;
use crate::runtime::kernel::Kernel;

pub(super) async fn enqueue(kernel: &Kernel, name: &str, payload: &str, format: Json) -> Output {
    match kernel.enqueue(name, payload).await {
        Ok(added) if format.json => Output::json(&json!({ "id": added.id.as_str(), "duplicate": added.duplicate })),
        Ok(added) => Output::text(format!("{}\n", added.id.as_str())),
        Err(problems) => Output::problems(&problems),
    }
}
