//! One function makes the product.
#![allow(unused)]

mod product {
    pub fn app() {}
}

#[athyper::main]
use product::{app};
