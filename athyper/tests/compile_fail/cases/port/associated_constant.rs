//! A port has no constants.
#![allow(unused)]

use athyper::prelude::*;

#[port]
pub trait Store: Send + Sync {
    const SIZE: u8;
}

fn main() {}
