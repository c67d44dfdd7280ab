//! An error has one source.
#![allow(unused)]

use athyper::prelude::*;

#[derive(Debug, Failure)]
pub enum UserError {
    #[failure(kind = internal, message = "broken")]
    Broken(#[source] std::io::Error, #[source] std::fmt::Error),
}

fn main() {}
