//! Versions begin at one.
#![allow(unused)]

use athyper::prelude::*;

use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Job)]
#[job(version = 0)]
pub struct Welcome {
    to: String,
}

fn main() {}
