//! A method of a port names what it returns.
#![allow(unused)]

use athyper::prelude::*;

#[port]
pub trait Store: Send + Sync {
    fn all(&self) -> impl Iterator<Item = u8>;
}

fn main() {}
