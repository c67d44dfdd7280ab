//! A payload has no generic parameters.
#![allow(unused)]

use athyper::prelude::*;

use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Job)]
#[job(version = 2)]
pub struct Welcome<T> {
    to: T,
}

fn main() {}
