//! A name is not empty.
#![allow(unused)]

use athyper::prelude::*;

#[inject(name = "")]
pub struct SignUp;

fn main() {}
