//! A back-off grows in one of three ways.
#![allow(unused)]

use athyper::prelude::*;

use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub struct Welcome {
    to: String,
}

#[job(backoff = "quadratic 1s")]
async fn welcome(job: Welcome) -> Result<()> {
    Ok(())
}

fn main() {}
