//! An unknown option is told the nearest known one.
#![allow(unused)]

use athyper::prelude::*;

#[derive(Debug, Failure)]
pub enum UserError {
    #[failure(kind = conflict, mesage = "taken", message = "taken")]
    Taken { email: String },
}

fn main() {}
