//! Limits of tenants hold where tenants take turns.
#![allow(unused)]

use athyper::prelude::*;

use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub struct Welcome {
    to: String,
}

#[job(tenant_concurrency = 2, tenant_rate = "5/1s")]
async fn welcome(job: Welcome) -> Result<()> {
    Ok(())
}

fn main() {}
