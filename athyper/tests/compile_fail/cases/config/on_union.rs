//! A section is a struct.
#![allow(unused)]

use athyper::prelude::*;

#[derive(Config)]
pub union SmtpConfig {
    port: u16,
}

fn main() {}
