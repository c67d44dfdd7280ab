//! A variable of ours is not taken.
#![allow(unused)]

use athyper::prelude::*;

#[derive(Config)]
#[config(section = "smtp")]
pub struct SmtpConfig {
    #[config(variable = "ATHYPER__SMTP__PORT")]
    port: u16,
}

fn main() {}
