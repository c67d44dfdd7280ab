//! A length of time can be read.
#![allow(unused)]

use athyper::prelude::*;

#[derive(Config)]
#[config(section = "smtp")]
pub struct SmtpConfig {
    #[config(default = "soon")]
    port: std::time::Duration,
}

fn main() {}
