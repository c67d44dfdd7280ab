//! An unknown option is told the nearest known one.
#![allow(unused)]

use athyper::prelude::*;

#[inject(scop = request)]
pub struct SignUp;

fn main() {}
