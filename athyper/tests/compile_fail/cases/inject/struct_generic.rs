//! A component has no generic parameters.
#![allow(unused)]

use athyper::prelude::*;

#[inject]
pub struct Cache<T> {
    value: Arc<T>,
}

fn main() {}
