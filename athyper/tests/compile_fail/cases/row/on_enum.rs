//! A row is read into a struct.
#![allow(unused)]

use athyper::prelude::*;

#[derive(Row)]
pub enum User {
    One,
}

fn main() {}
