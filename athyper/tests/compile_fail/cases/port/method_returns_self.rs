//! A method of a port does not return `Self`.
#![allow(unused)]

use athyper::prelude::*;

#[port]
pub trait Store: Send + Sync {
    fn copy(&self) -> Self;
}

fn main() {}
