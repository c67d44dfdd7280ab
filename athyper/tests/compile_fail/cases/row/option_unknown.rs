//! An unknown option is told the nearest known one.
#![allow(unused)]

use athyper::prelude::*;

#[derive(Row)]
pub struct User {
    #[row(colum = "user_id")]
    id: i64,
}

fn main() {}
