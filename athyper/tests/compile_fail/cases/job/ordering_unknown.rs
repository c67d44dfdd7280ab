//! An ordering is one of three.
#![allow(unused)]

use athyper::prelude::*;

use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub struct Welcome {
    to: String,
}

#[job(ordering = fare)]
async fn welcome(job: Welcome) -> Result<()> {
    Ok(())
}

fn main() {}
