//! Aliases are a list.
#![allow(unused)]

use athyper::prelude::*;

use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Job)]
#[job(aliases = "greet")]
pub struct Welcome {
    to: String,
}

fn main() {}
