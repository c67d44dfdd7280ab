//! A field in a message can be shown.
#![allow(unused)]

use athyper::prelude::*;

#[derive(Debug, Failure)]
pub enum UserError {
    #[failure(kind = conflict, message = "{0} is taken")]
    Taken(Vec<u8>),
}

fn main() {}
