//! The time of a rate is at least a millisecond.
#![allow(unused)]

use athyper::prelude::*;

use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub struct Welcome {
    to: String,
}

#[job(rate = "5/10us")]
async fn welcome(job: Welcome) -> Result<()> {
    Ok(())
}

fn main() {}
