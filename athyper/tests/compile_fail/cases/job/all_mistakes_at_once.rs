//! Every mistake is reported in one compilation.
#![allow(unused)]

use athyper::prelude::*;

use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub struct Welcome {
    to: String,
}

#[job(queue = "a:b", attempts = 0, backoff = "soon", timout = "30s")]
fn welcome(job: Welcome, other: u8) {}

fn main() {}
