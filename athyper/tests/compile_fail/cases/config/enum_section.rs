//! A word is no section.
#![allow(unused)]

use athyper::prelude::*;

#[derive(Config)]
#[config(section = "format")]
pub enum Format {
    Json,
}

fn main() {}
