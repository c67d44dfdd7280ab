//! A factory is not `const`.
#![allow(unused)]

use athyper::prelude::*;

#[inject]
const fn number() -> u8 {
    1
}

fn main() {}
