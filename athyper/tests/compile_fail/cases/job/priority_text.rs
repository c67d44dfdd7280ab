//! A priority is a word, not a string.
#![allow(unused)]

use athyper::prelude::*;

use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub struct Welcome {
    to: String,
}

#[job(priority = "high")]
async fn welcome(job: Welcome) -> Result<()> {
    Ok(())
}

fn main() {}
