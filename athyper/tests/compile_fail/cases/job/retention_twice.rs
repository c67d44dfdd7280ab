//! A retention says each once.
#![allow(unused)]

use athyper::prelude::*;

use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub struct Welcome {
    to: String,
}

#[job(keep_failed = "1d, 2d")]
async fn welcome(job: Welcome) -> Result<()> {
    Ok(())
}

fn main() {}
