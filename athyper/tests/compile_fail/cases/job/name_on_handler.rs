//! A name belongs to the payload.
#![allow(unused)]

use athyper::prelude::*;

use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub struct Welcome {
    to: String,
}

#[job(name = "greet")]
async fn welcome(job: Welcome) -> Result<()> {
    Ok(())
}

fn main() {}
