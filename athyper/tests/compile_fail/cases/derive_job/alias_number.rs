//! An alias is a string.
#![allow(unused)]

use athyper::prelude::*;

use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Job)]
#[job(aliases = [1])]
pub struct Welcome {
    to: String,
}

fn main() {}
