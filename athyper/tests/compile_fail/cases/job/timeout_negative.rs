//! A duration is not negative.
#![allow(unused)]

use athyper::prelude::*;

use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub struct Welcome {
    to: String,
}

#[job(timeout = "-30s")]
async fn welcome(job: Welcome) -> Result<()> {
    Ok(())
}

fn main() {}
