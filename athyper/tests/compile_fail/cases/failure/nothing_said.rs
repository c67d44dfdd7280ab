//! A variant says what it is; the enum stays an error, so that there is one message.
#![allow(unused)]

use athyper::prelude::*;

#[derive(Debug, Failure)]
pub enum UserError {
    Taken,
}

pub fn sign_up() -> Result<()> {
    Err(UserError::Taken)?
}

fn main() {}
