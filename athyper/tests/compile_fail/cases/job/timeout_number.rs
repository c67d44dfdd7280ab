//! A duration is a string.
#![allow(unused)]

use athyper::prelude::*;

use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub struct Welcome {
    to: String,
}

#[job(timeout = 30)]
async fn welcome(job: Welcome) -> Result<()> {
    Ok(())
}

fn main() {}
