//! A source is an error.
#![allow(unused)]

use athyper::prelude::*;

#[derive(Debug, Failure)]
pub enum UserError {
    #[failure(kind = internal, message = "broken")]
    Broken(#[source] u8),
}

fn main() {}
