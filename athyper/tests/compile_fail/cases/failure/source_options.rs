//! `#[source]` has no options.
#![allow(unused)]

use athyper::prelude::*;

#[derive(Debug, Failure)]
pub enum UserError {
    #[failure(kind = internal, message = "broken")]
    Broken(#[source(first)] std::io::Error),
}

fn main() {}
