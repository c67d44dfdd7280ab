//! A variable is spelled as variables are.
#![allow(unused)]

use athyper::prelude::*;

#[derive(Config)]
#[config(section = "smtp")]
pub struct SmtpConfig {
    #[config(variable = "smtp-port")]
    port: u16,
}

fn main() {}
