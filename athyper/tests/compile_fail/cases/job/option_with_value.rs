//! A flag takes no value.
#![allow(unused)]

use athyper::prelude::*;

use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub struct Welcome {
    to: String,
}

#[job(contract = true)]
async fn welcome(job: Welcome) -> Result<()> {
    Ok(())
}

fn main() {}
