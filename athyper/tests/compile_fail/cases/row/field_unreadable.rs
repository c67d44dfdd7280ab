//! A field can be read from a column.
#![allow(unused)]

use athyper::prelude::*;

pub struct Level;

#[derive(Row)]
pub struct User {
    level: Level,
}

fn main() {}
