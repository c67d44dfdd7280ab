//! An unknown option on a field is told the nearest known one.
#![allow(unused)]

use athyper::prelude::*;

#[inject]
pub struct SignUp {
    #[inject(defautl)]
    count: u8,
}

fn main() {}
