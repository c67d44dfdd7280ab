//! A port has no associated types.
#![allow(unused)]

use athyper::prelude::*;

#[port]
pub trait Store: Send + Sync {
    type Item;
}

fn main() {}
