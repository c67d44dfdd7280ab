//! A status is a number.
#![allow(unused)]

use athyper::prelude::*;

#[derive(Debug, Failure)]
pub enum UserError {
    #[failure(kind = conflict, status = "409", message = "taken")]
    Taken { email: String },
}

fn main() {}
