//! A factory is a Rust function.
#![allow(unused)]

use athyper::prelude::*;

#[inject]
extern "C" fn number() -> u8 {
    1
}

fn main() {}
