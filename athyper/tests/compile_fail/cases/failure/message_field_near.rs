//! A message names fields that there are.
#![allow(unused)]

use athyper::prelude::*;

#[derive(Debug, Failure)]
pub enum UserError {
    #[failure(kind = conflict, message = "{mail} is taken")]
    Taken { email: String },
}

fn main() {}
