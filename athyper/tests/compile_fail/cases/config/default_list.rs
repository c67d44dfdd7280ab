//! The items of a default list are of the field's type.
#![allow(unused)]

use athyper::prelude::*;

#[derive(Config)]
#[config(section = "smtp")]
pub struct SmtpConfig {
    #[config(default = [1, 70000])]
    port: Vec<u16>,
}

fn main() {}
