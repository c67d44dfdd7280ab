//! The number of attempts is a number.
#![allow(unused)]

use athyper::prelude::*;

use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub struct Welcome {
    to: String,
}

#[job(attempts = "three")]
async fn welcome(job: Welcome) -> Result<()> {
    Ok(())
}

fn main() {}
