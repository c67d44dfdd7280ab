//! A variant has a message.
#![allow(unused)]

use athyper::prelude::*;

#[derive(Debug, Failure)]
pub enum UserError {
    #[failure(kind = conflict)]
    Taken { email: String },
}

fn main() {}
