//! A scheduled function takes a tick and no payload.
#![allow(unused)]

use athyper::prelude::*;

#[scheduled("0 0 * * *")]
async fn report(day: String) {}

fn main() {}
