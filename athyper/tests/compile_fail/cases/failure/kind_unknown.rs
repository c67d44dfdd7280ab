//! A kind is one of the known words.
#![allow(unused)]

use athyper::prelude::*;

#[derive(Debug, Failure)]
pub enum UserError {
    #[failure(kind = conflit, message = "taken")]
    Taken { email: String },
}

fn main() {}
