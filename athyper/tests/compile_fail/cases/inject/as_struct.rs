//! A component is also found as a trait.
#![allow(unused)]

use athyper::prelude::*;

pub trait Mailer: Send + Sync {}

#[inject(as = Mailer)]
pub struct Smtp;

impl Mailer for Smtp {}

fn main() {}
