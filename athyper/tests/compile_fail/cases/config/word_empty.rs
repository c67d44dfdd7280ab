//! A word is not empty.
#![allow(unused)]

use athyper::prelude::*;

#[derive(Config)]
pub enum Format {
    #[config(word = "")]
    Json,
}

fn main() {}
