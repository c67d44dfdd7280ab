//! A port has no options.
#![allow(unused)]

use athyper::prelude::*;

#[port(name = "mailer")]
pub trait Mailer: Send + Sync {
    async fn send(&self);
}

fn main() {}
