//! The error of a factory becomes an `athyper::Error`.
#![allow(unused)]

use athyper::prelude::*;

pub struct Broken;

#[inject]
fn number() -> Result<Arc<u8>, Broken> {
    Err(Broken)
}

fn main() {}
