//! What the contract says is not said again.
#![allow(unused)]

use athyper::prelude::*;

use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub struct Welcome {
    to: String,
}

#[job(contract, concurrency = 2, attempts = 5)]
async fn welcome(job: Welcome) -> Result<()> {
    Ok(())
}

fn main() {}
