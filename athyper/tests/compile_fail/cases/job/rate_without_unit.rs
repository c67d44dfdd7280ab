//! The time of a rate has a unit.
#![allow(unused)]

use athyper::prelude::*;

use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub struct Welcome {
    to: String,
}

#[job(rate = "5/10")]
async fn welcome(job: Welcome) -> Result<()> {
    Ok(())
}

fn main() {}
