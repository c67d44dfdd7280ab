//! A method of a port names its parameters.
#![allow(unused)]

use athyper::prelude::*;

#[port]
pub trait Store: Send + Sync {
    async fn put(&self, value: impl Into<String>);
}

fn main() {}
