//! A field has an injectable form.
#![allow(unused)]

use athyper::prelude::*;

#[inject]
pub struct SignUp {
    attempts: u32,
}

fn main() {}
