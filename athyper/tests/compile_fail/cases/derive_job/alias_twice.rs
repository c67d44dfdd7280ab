//! An alias stands once.
#![allow(unused)]

use athyper::prelude::*;

use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Job)]
#[job(aliases = ["greet", "greet"])]
pub struct Welcome {
    to: String,
}

fn main() {}
