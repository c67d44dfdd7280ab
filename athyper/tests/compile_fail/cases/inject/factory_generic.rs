//! A factory has no generic parameters.
#![allow(unused)]

use athyper::prelude::*;

#[inject]
fn number<T: Default>() -> T {
    T::default()
}

fn main() {}
