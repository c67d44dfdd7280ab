//! A factory is a free function.
#![allow(unused)]

use athyper::prelude::*;

pub struct Product;

impl Product {
    #[inject]
    fn number(&self) -> u8 {
        1
    }
}

fn main() {}
