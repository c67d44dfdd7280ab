//! Only an implementation of a port is marked.
#![allow(unused)]

use athyper::prelude::*;

pub struct Smtp;

#[port]
impl Smtp {
    async fn send(&self) {}
}

fn main() {}
