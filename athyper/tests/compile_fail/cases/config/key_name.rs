//! A key can be spelled by a variable.
#![allow(unused)]

use athyper::prelude::*;

#[derive(Config)]
pub struct SmtpConfig {
    port__tls: u16,
}

fn main() {}
