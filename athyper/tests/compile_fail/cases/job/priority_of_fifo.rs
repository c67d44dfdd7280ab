//! Where it is first come, first served, no priority counts.
#![allow(unused)]

use athyper::prelude::*;

use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub struct Welcome {
    to: String,
}

#[job(ordering = fifo, priority = high)]
async fn welcome(job: Welcome) -> Result<()> {
    Ok(())
}

fn main() {}
