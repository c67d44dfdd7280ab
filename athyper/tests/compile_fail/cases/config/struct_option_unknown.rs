//! An unknown option is told the nearest known one.
#![allow(unused)]

use athyper::prelude::*;

#[derive(Config)]
#[config(sektion = "smtp")]
pub struct SmtpConfig {
    port: u16,
}

fn main() {}
