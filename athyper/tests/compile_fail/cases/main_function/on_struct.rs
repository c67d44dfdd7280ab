//! The product is a function.
#![allow(unused)]

#[athyper::main]
pub struct Product;
