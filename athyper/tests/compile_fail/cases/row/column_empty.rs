//! A column has a name.
#![allow(unused)]

use athyper::prelude::*;

#[derive(Row)]
pub struct User {
    #[row(column = "")]
    id: i64,
}

fn main() {}
