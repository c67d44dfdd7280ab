//! Without a second attempt there is nothing to wait for.
#![allow(unused)]

use athyper::prelude::*;

use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub struct Welcome {
    to: String,
}

#[job(attempts = 1, backoff = "fixed 1s")]
async fn welcome(job: Welcome) -> Result<()> {
    Ok(())
}

fn main() {}
