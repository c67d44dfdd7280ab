//! A job has no generic parameters.
#![allow(unused)]

use athyper::prelude::*;

use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub struct Welcome {
    to: String,
}

#[job]
async fn welcome<T>(job: Welcome) -> Result<()> {
    Ok(())
}

fn main() {}
