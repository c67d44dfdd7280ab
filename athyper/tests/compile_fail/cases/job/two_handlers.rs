//! A payload has one handler.
#![allow(unused)]

use athyper::prelude::*;

use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub struct Welcome {
    to: String,
}

#[job]
async fn first(job: Welcome) {}

#[job]
async fn second(job: Welcome) {}

fn main() {}
