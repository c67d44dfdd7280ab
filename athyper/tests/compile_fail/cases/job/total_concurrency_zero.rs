//! A queue that runs nothing is paused, not limited.
#![allow(unused)]

use athyper::prelude::*;

use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub struct Welcome {
    to: String,
}

#[job(total_concurrency = 0)]
async fn welcome(job: Welcome) -> Result<()> {
    Ok(())
}

fn main() {}
