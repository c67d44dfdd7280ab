//! The context is given once.
#![allow(unused)]

use athyper::prelude::*;

use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub struct Welcome {
    to: String,
}

#[job]
async fn welcome(job: Welcome, a: JobContext, b: JobContext) -> Result<()> {
    Ok(())
}

fn main() {}
