//! A payload has no generic arguments.
#![allow(unused)]

use athyper::prelude::*;

use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub struct Welcome {
    to: String,
}

#[job]
async fn welcome(job: Vec<Welcome>) -> Result<()> {
    Ok(())
}

fn main() {}
