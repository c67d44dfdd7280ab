//! A payload is owned.
#![allow(unused)]

use athyper::prelude::*;

use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub struct Welcome {
    to: String,
}

#[job]
async fn welcome(job: &Welcome) -> Result<()> {
    Ok(())
}

fn main() {}
