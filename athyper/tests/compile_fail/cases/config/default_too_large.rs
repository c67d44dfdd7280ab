//! A default fits the field.
#![allow(unused)]

use athyper::prelude::*;

#[derive(Config)]
#[config(section = "smtp")]
pub struct SmtpConfig {
    #[config(default = 70000)]
    port: u16,
}

fn main() {}
