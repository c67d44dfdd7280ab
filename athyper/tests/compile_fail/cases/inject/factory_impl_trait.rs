//! A factory names the type that it makes.
#![allow(unused)]

use athyper::prelude::*;

pub trait Mailer: Send + Sync {}

impl Mailer for u8 {}

#[inject]
fn mailer() -> impl Mailer {
    1_u8
}

fn main() {}
