//! A schedule is a function.
#![allow(unused)]

use athyper::prelude::*;

#[scheduled("0 0 * * *")]
pub struct Report;

fn main() {}
