//! A port is shared between threads.
#![allow(unused)]

use athyper::prelude::*;

#[port]
pub trait Mailer {
    async fn send(&self);
}

fn main() {}
