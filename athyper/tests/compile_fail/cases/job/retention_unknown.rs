//! A retention is a count, an age, or both.
#![allow(unused)]

use athyper::prelude::*;

use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub struct Welcome {
    to: String,
}

#[job(keep_completed = "many")]
async fn welcome(job: Welcome) -> Result<()> {
    Ok(())
}

fn main() {}
