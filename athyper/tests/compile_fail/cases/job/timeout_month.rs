//! A duration has a fixed length.
#![allow(unused)]

use athyper::prelude::*;

use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub struct Welcome {
    to: String,
}

#[job(timeout = "1 month")]
async fn welcome(job: Welcome) -> Result<()> {
    Ok(())
}

fn main() {}
