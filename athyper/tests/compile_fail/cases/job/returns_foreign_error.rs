//! The error of a job becomes an `athyper::Error`.
#![allow(unused)]

use athyper::prelude::*;

use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub struct Welcome {
    to: String,
}

#[job]
async fn welcome(job: Welcome) -> Result<(), u8> {
    Ok(())
}

fn main() {}
