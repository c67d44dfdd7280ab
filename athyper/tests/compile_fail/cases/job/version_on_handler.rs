//! A version belongs to the payload.
#![allow(unused)]

use athyper::prelude::*;

use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub struct Welcome {
    to: String,
}

#[job(version = 2)]
async fn welcome(job: Welcome) -> Result<()> {
    Ok(())
}

fn main() {}
