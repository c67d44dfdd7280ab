//! The longest wait is not shorter than the first.
#![allow(unused)]

use athyper::prelude::*;

use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub struct Welcome {
    to: String,
}

#[job(backoff = "linear 1h max 1m")]
async fn welcome(job: Welcome) -> Result<()> {
    Ok(())
}

fn main() {}
