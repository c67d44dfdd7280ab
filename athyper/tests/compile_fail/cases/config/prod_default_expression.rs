//! The default of `prod` is a literal.
#![allow(unused)]

use athyper::prelude::*;

#[derive(Config)]
#[config(section = "smtp")]
pub struct SmtpConfig {
    #[config(default = 1, prod_default = compute())]
    port: u16,
}

fn main() {}
