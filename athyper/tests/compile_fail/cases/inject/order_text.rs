//! An order is a number.
#![allow(unused)]

use athyper::prelude::*;

#[inject(order = "first")]
pub struct SignUp;

fn main() {}
