//! A component is a struct or made by a function.
#![allow(unused)]

use athyper::prelude::*;

#[inject]
pub enum Mailer {
    Smtp,
}

fn main() {}
