//! A back-off waits.
#![allow(unused)]

use athyper::prelude::*;

use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub struct Welcome {
    to: String,
}

#[job(backoff = "fixed 0s")]
async fn welcome(job: Welcome) -> Result<()> {
    Ok(())
}

fn main() {}
