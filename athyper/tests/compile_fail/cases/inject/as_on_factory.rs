//! A factory says in its return type what it makes.
#![allow(unused)]

use athyper::prelude::*;

pub trait Mailer: Send + Sync {}

pub struct Smtp;

#[inject(as = dyn Mailer)]
fn smtp() -> Smtp {
    Smtp
}

fn main() {}
