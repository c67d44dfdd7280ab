//! A parameter names what is injected.
#![allow(unused)]

use athyper::prelude::*;

pub trait Mailer: Send + Sync {}

#[inject]
fn number(mailer: impl Mailer) -> u8 {
    1
}

fn main() {}
