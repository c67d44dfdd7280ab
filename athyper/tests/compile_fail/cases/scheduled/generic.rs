//! A scheduled function has no generic parameters.
#![allow(unused)]

use athyper::prelude::*;

#[scheduled("0 0 * * *")]
async fn report<T>() {}

fn main() {}
