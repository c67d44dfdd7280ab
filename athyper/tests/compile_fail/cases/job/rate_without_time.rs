//! A rate is a count and a time.
#![allow(unused)]

use athyper::prelude::*;

use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub struct Welcome {
    to: String,
}

#[job(rate = "100")]
async fn welcome(job: Welcome) -> Result<()> {
    Ok(())
}

fn main() {}
