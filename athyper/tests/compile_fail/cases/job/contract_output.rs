//! A handler returns what its contract says.
#![allow(unused)]

use athyper::prelude::*;

use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Job)]
#[job(contract, output = u32)]
pub struct Count;

#[job(contract)]
async fn count(job: Count) -> Result<String> {
    Ok(String::new())
}

fn main() {}
