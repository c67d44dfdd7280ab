//! A priority is one of four words.
#![allow(unused)]

use athyper::prelude::*;

use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub struct Welcome {
    to: String,
}

#[job(priority = hihg)]
async fn welcome(job: Welcome) -> Result<()> {
    Ok(())
}

fn main() {}
