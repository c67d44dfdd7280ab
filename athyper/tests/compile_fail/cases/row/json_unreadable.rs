//! What is JSON can be deserialised.
#![allow(unused)]

use athyper::prelude::*;

pub struct Level;

#[derive(Row)]
pub struct User {
    #[row(json)]
    level: Level,
}

fn main() {}
