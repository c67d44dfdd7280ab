//! A parameter has an injectable form.
#![allow(unused)]

use athyper::prelude::*;

#[inject]
fn number(other: u16) -> u8 {
    1
}

fn main() {}
