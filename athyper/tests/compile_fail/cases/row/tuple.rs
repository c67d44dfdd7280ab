//! A row is read into named fields.
#![allow(unused)]

use athyper::prelude::*;

#[derive(Row)]
pub struct User(i64);

fn main() {}
