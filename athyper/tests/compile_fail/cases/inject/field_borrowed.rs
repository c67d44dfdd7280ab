//! A field owns what is injected.
#![allow(unused)]

use athyper::prelude::*;

#[inject]
pub struct SignUp {
    mailer: &'static u8,
}

fn main() {}
