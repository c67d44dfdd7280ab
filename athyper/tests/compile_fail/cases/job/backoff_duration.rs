//! The first wait is a duration.
#![allow(unused)]

use athyper::prelude::*;

use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub struct Welcome {
    to: String,
}

#[job(backoff = "fixed soon")]
async fn welcome(job: Welcome) -> Result<()> {
    Ok(())
}

fn main() {}
