//! The attribute has options.
#![allow(unused)]

use athyper::prelude::*;

use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Job)]
#[job]
pub struct Welcome {
    to: String,
}

fn main() {}
