//! An alias is another name.
#![allow(unused)]

use athyper::prelude::*;

use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Job)]
#[job(aliases = ["welcome"])]
pub struct Welcome {
    to: String,
}

fn main() {}
