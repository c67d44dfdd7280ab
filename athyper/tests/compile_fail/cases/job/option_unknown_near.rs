//! An unknown option is told the nearest known one.
#![allow(unused)]

use athyper::prelude::*;

use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub struct Welcome {
    to: String,
}

#[job(queue = "email", atempts = 3)]
async fn welcome(job: Welcome) -> Result<()> {
    Ok(())
}

fn main() {}
