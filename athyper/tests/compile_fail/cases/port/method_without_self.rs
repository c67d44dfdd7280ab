//! A method of a port takes `&self`.
#![allow(unused)]

use athyper::prelude::*;

#[port]
pub trait Store: Send + Sync {
    async fn open() -> u8;
}

fn main() {}
