//! A field can be read from the configuration.
#![allow(unused)]

use athyper::prelude::*;

pub struct Level;

#[derive(Config)]
pub struct SmtpConfig {
    level: Level,
}

fn main() {}
