//! A job is not `unsafe`.
#![allow(unused)]

use athyper::prelude::*;

use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub struct Welcome {
    to: String,
}

#[job]
async unsafe fn welcome(job: Welcome) -> Result<()> {
    Ok(())
}

fn main() {}
