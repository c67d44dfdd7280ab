//! A factory returns something.
#![allow(unused)]

use athyper::prelude::*;

#[inject]
fn mailer() {}

fn main() {}
