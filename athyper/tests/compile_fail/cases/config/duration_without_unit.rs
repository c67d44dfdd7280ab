//! A length of time has a unit.
#![allow(unused)]

use athyper::prelude::*;

#[derive(Config)]
#[config(section = "smtp")]
pub struct SmtpConfig {
    #[config(default = 30)]
    port: std::time::Duration,
}

fn main() {}
