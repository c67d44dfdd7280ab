//! Jitter is a share.
#![allow(unused)]

use athyper::prelude::*;

use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub struct Welcome {
    to: String,
}

#[job(backoff = "fixed 1s jitter 20")]
async fn welcome(job: Welcome) -> Result<()> {
    Ok(())
}

fn main() {}
