//! A scheduled function is an `async fn`.
#![allow(unused)]

use athyper::prelude::*;

#[scheduled("0 0 * * *")]
fn report() {}

fn main() {}
