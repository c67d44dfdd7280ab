//! A brace is closed.
#![allow(unused)]

use athyper::prelude::*;

#[derive(Debug, Failure)]
pub enum UserError {
    #[failure(kind = conflict, message = "{email is taken")]
    Taken { email: String },
}

fn main() {}
