//! A parameter cannot come and go.
#![allow(unused)]

use athyper::prelude::*;

#[inject]
fn number(#[cfg(unix)] other: Arc<u16>) -> u8 {
    1
}

fn main() {}
