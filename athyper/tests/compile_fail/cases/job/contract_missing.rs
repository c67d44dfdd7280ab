//! A contract handler needs a contract.
#![allow(unused)]

use athyper::prelude::*;

use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub struct Welcome {
    to: String,
}

#[job(contract)]
async fn welcome(job: Welcome) {}

fn main() {}
