//! A variable sets one field.
#![allow(unused)]

use athyper::prelude::*;

#[derive(Config)]
pub struct SmtpConfig {
    #[config(variable = "PORT")]
    port: u16,
    #[config(variable = "PORT")]
    tls_port: u16,
}

fn main() {}
