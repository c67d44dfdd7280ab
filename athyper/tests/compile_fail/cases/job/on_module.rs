//! A job is a function.
#![allow(unused)]

use athyper::prelude::*;

#[job]
mod jobs {}

fn main() {}
