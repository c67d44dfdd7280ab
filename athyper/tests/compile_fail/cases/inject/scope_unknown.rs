//! A scope is one of three words.
#![allow(unused)]

use athyper::prelude::*;

#[inject(scope = singelton)]
pub struct SignUp;

fn main() {}
