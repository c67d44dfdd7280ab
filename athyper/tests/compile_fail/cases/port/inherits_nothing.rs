//! A supertrait does not always bring what is needed.
#![allow(unused)]

use athyper::prelude::*;

pub trait Named {}

#[port]
pub trait Mailer: Named {
    fn send(&self);
}

fn main() {}
