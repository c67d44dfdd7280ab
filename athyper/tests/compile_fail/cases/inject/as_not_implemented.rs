//! A component implements the trait that it is found as.
#![allow(unused)]

use athyper::prelude::*;

pub trait Mailer: Send + Sync {}

#[inject(as = dyn Mailer)]
pub struct Smtp;

fn main() {}
