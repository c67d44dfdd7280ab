//! A field is named.
#![allow(unused)]

use athyper::prelude::*;

#[derive(Debug, Failure)]
pub enum UserError {
    #[failure(kind = conflict, message = "{} is taken")]
    Taken { email: String },
}

fn main() {}
