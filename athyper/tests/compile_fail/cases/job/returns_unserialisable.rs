//! What a job returns can be kept as JSON.
#![allow(unused)]

use athyper::prelude::*;

use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub struct Welcome {
    to: String,
}

#[job]
async fn welcome(job: Welcome) -> Result<std::thread::Thread> {
    Ok(std::thread::current())
}

fn main() {}
