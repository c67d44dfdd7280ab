//! An error has no generic parameters.
#![allow(unused)]

use athyper::prelude::*;

#[derive(Debug, Failure)]
#[failure(kind = conflict, message = "taken")]
pub struct Taken<T>(T);

fn main() {}
