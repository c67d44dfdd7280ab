//! On the payload stands the derive.
#![allow(unused)]

use athyper::prelude::*;

#[job(queue = "email")]
pub struct Payload;

fn main() {}
