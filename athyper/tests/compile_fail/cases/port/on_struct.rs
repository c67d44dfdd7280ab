//! A port is a trait.
#![allow(unused)]

use athyper::prelude::*;

#[port]
pub struct Mailer;

fn main() {}
