//! A code is in kebab case.
#![allow(unused)]

use athyper::prelude::*;

#[derive(Debug, Failure)]
pub enum UserError {
    #[failure(kind = conflict, code = "UserTaken", message = "taken")]
    Taken { email: String },
}

fn main() {}
