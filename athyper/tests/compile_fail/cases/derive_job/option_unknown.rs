//! An unknown option is told the nearest known one.
#![allow(unused)]

use athyper::prelude::*;

use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Job)]
#[job(versoin = 3)]
pub struct Welcome {
    to: String,
}

fn main() {}
