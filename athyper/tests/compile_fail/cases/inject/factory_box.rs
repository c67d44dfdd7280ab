//! A factory returns what can be shared.
#![allow(unused)]

use athyper::prelude::*;

pub trait Mailer: Send + Sync {}

#[inject]
fn mailer() -> Result<Box<dyn Mailer>> {
    Err(Error::internal("none"))
}

fn main() {}
