//! A field is read in one way.
#![allow(unused)]

use athyper::prelude::*;

#[derive(Config)]
#[config(section = "smtp")]
pub struct SmtpConfig {
    #[config(parse, deserialize)]
    port: u16,
}

fn main() {}
