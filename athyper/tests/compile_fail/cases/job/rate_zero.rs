//! A rate lets something start.
#![allow(unused)]

use athyper::prelude::*;

use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub struct Welcome {
    to: String,
}

#[job(rate = "0/1m")]
async fn welcome(job: Welcome) -> Result<()> {
    Ok(())
}

fn main() {}
