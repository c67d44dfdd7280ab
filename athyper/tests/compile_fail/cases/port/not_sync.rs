//! A port is `Sync` too.
#![allow(unused)]

use athyper::prelude::*;

#[port]
pub trait Mailer: Send {
    async fn send(&self);
}

fn main() {}
