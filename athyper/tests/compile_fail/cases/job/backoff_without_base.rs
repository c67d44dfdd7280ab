//! A back-off has a first wait.
#![allow(unused)]

use athyper::prelude::*;

use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub struct Welcome {
    to: String,
}

#[job(backoff = "fixed")]
async fn welcome(job: Welcome) -> Result<()> {
    Ok(())
}

fn main() {}
