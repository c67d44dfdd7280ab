//! Two variants have two words.
#![allow(unused)]

use athyper::prelude::*;

#[derive(Config)]
pub enum Format {
    Json,
    #[config(word = "json")]
    Text,
}

fn main() {}
