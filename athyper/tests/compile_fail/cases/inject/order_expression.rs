//! An order is a literal.
#![allow(unused)]

use athyper::prelude::*;

#[inject(order = 1 + 2)]
pub struct SignUp;

fn main() {}
