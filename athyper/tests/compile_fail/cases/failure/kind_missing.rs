//! A variant has a kind.
#![allow(unused)]

use athyper::prelude::*;

#[derive(Debug, Failure)]
pub enum UserError {
    #[failure(message = "taken")]
    Taken { email: String },
}

fn main() {}
