//! A factory always returns something.
#![allow(unused)]

use athyper::prelude::*;

#[inject]
fn number() -> Option<Arc<u8>> {
    None
}

fn main() {}
