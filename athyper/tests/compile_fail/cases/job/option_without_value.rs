//! An option that needs a value says which.
#![allow(unused)]

use athyper::prelude::*;

use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub struct Welcome {
    to: String,
}

#[job(queue)]
async fn welcome(job: Welcome) -> Result<()> {
    Ok(())
}

fn main() {}
