//! What does not come from the container has no name there.
#![allow(unused)]

use athyper::prelude::*;

#[inject]
pub struct SignUp {
    #[inject(name = "main", default)]
    count: u8,
}

fn main() {}
