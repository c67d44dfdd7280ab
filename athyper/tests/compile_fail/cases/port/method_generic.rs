//! A method of a port has no generic parameters.
#![allow(unused)]

use athyper::prelude::*;

#[port]
pub trait Store: Send + Sync {
    async fn put<T: Send>(&self, value: T);
}

fn main() {}
