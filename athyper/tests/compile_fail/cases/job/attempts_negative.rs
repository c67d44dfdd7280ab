//! The number of attempts is not negative.
#![allow(unused)]

use athyper::prelude::*;

use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub struct Welcome {
    to: String,
}

#[job(attempts = -1)]
async fn welcome(job: Welcome) -> Result<()> {
    Ok(())
}

fn main() {}
