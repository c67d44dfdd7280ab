//! A default is of the field's type.
#![allow(unused)]

use athyper::prelude::*;

#[derive(Config)]
#[config(section = "smtp")]
pub struct SmtpConfig {
    #[config(default = "many")]
    port: u16,
}

fn main() {}
