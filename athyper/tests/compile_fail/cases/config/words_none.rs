//! There is a word to choose.
#![allow(unused)]

use athyper::prelude::*;

#[derive(Config)]
pub enum Format {}

fn main() {}
