//! An option is given once; the second setting is told the first.
#![allow(unused)]

use athyper::prelude::*;

use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub struct Welcome {
    to: String,
}

#[job(queue = "email", attempts = 2, queue = "post")]
async fn welcome(job: Welcome) -> Result<()> {
    Ok(())
}

fn main() {}
