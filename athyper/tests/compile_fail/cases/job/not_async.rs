//! A job is an `async fn`.
#![allow(unused)]

use athyper::prelude::*;

use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub struct Welcome {
    to: String,
}

#[job]
fn welcome(job: Welcome) -> Result<()> {
    Ok(())
}

fn main() {}
