//! A queue has no white space in its name.
#![allow(unused)]

use athyper::prelude::*;

use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub struct Welcome {
    to: String,
}

#[job(queue = "mail out")]
async fn welcome(job: Welcome) -> Result<()> {
    Ok(())
}

fn main() {}
