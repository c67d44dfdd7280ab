//! A word holds nothing.
#![allow(unused)]

use athyper::prelude::*;

#[derive(Config)]
pub enum Format {
    Json(u8),
}

fn main() {}
