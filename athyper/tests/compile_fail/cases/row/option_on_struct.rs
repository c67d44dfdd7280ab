//! The struct has no options.
#![allow(unused)]

use athyper::prelude::*;

#[derive(Row)]
#[row(column = "x")]
pub struct User {
    id: i64,
}

fn main() {}
