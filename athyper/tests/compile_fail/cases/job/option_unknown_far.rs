//! An unknown option that resembles none is told all.
#![allow(unused)]

use athyper::prelude::*;

use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub struct Welcome {
    to: String,
}

#[job(colour = "red")]
async fn welcome(job: Welcome) -> Result<()> {
    Ok(())
}

fn main() {}
