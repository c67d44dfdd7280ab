//! How a job runs stands on its handler, or in a contract.
#![allow(unused)]

use athyper::prelude::*;

use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Job)]
#[job(attempts = 3)]
pub struct Welcome {
    to: String,
}

fn main() {}
