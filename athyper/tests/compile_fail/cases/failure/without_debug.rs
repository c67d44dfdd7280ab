//! An error can be debugged.
#![allow(unused)]

use athyper::prelude::*;

#[derive(Failure)]
#[failure(kind = conflict, message = "taken")]
pub struct Taken;

fn main() {}
