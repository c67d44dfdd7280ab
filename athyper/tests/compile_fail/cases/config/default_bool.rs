//! A default is of the field's type, inside `Option` too.
#![allow(unused)]

use athyper::prelude::*;

#[derive(Config)]
#[config(section = "smtp")]
pub struct SmtpConfig {
    #[config(default = 1)]
    port: Option<bool>,
}

fn main() {}
