//! Each variant says it for itself.
#![allow(unused)]

use athyper::prelude::*;

#[derive(Debug, Failure)]
#[failure(kind = conflict, message = "taken")]
pub enum UserError {
    #[failure(kind = conflict, message = "taken")]
    Taken,
}

fn main() {}
