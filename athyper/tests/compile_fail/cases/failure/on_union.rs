//! An error is no union.
#![allow(unused)]

use athyper::prelude::*;

#[derive(Failure)]
pub union Broken {
    code: u8,
}

fn main() {}
