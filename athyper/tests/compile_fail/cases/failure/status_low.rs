//! A status is that of an error.
#![allow(unused)]

use athyper::prelude::*;

#[derive(Debug, Failure)]
pub enum UserError {
    #[failure(kind = conflict, status = 200, message = "taken")]
    Taken { email: String },
}

fn main() {}
