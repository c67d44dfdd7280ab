//! A row is read into a struct without generic parameters.
#![allow(unused)]

use athyper::prelude::*;

#[derive(Row)]
pub struct User<T> {
    id: T,
}

fn main() {}
