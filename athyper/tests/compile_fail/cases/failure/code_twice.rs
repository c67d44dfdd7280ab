//! A code belongs to one variant.
#![allow(unused)]

use athyper::prelude::*;

#[derive(Debug, Failure)]
pub enum UserError {
    #[failure(kind = conflict, message = "taken")]
    Taken,
    #[failure(kind = conflict, code = "taken", message = "gone")]
    Gone,
}

fn main() {}
