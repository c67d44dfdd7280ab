//! A secret is not shown.
#![allow(unused)]

use athyper::prelude::*;

#[derive(Config)]
#[config(section = "smtp")]
pub struct SmtpConfig {
    #[config(deserialize, secret, shown)]
    port: u16,
}

fn main() {}
