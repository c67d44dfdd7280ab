//! A factory returns an owned value.
#![allow(unused)]

use athyper::prelude::*;

#[inject]
fn number() -> &'static u8 {
    &1
}

fn main() {}
