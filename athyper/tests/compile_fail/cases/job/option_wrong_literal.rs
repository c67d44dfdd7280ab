//! A value is of the kind that the option takes.
#![allow(unused)]

use athyper::prelude::*;

use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub struct Welcome {
    to: String,
}

#[job(queue = 5)]
async fn welcome(job: Welcome) -> Result<()> {
    Ok(())
}

fn main() {}
