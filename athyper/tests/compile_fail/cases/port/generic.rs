//! A port has no generic parameters.
#![allow(unused)]

use athyper::prelude::*;

#[port]
pub trait Store<T>: Send + Sync {
    async fn put(&self, value: T);
}

fn main() {}
