//! A message names no field where there is none.
#![allow(unused)]

use athyper::prelude::*;

#[derive(Debug, Failure)]
pub enum UserError {
    #[failure(kind = conflict, message = "{0} is taken")]
    Taken,
}

fn main() {}
