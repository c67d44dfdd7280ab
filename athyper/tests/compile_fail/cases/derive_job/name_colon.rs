//! A name has no colon.
#![allow(unused)]

use athyper::prelude::*;

use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Job)]
#[job(name = "mail:welcome")]
pub struct Welcome {
    to: String,
}

fn main() {}
