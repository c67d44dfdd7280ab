//! A word of the back-off stands once.
#![allow(unused)]

use athyper::prelude::*;

use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub struct Welcome {
    to: String,
}

#[job(backoff = "fixed 1s max 1h max 2h")]
async fn welcome(job: Welcome) -> Result<()> {
    Ok(())
}

fn main() {}
