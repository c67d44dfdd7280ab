//! A component is shared between threads.
#![allow(unused)]

use athyper::prelude::*;

#[inject]
fn number() -> std::cell::Cell<u8> {
    std::cell::Cell::new(1)
}

fn main() {}
