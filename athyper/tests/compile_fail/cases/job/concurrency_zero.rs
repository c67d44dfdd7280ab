//! At least one job runs at once.
#![allow(unused)]

use athyper::prelude::*;

use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub struct Welcome {
    to: String,
}

#[job(concurrency = 0)]
async fn welcome(job: Welcome) -> Result<()> {
    Ok(())
}

fn main() {}
