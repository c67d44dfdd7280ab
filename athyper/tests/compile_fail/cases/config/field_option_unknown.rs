//! An unknown option on a field is told the nearest known one.
#![allow(unused)]

use athyper::prelude::*;

#[derive(Config)]
#[config(section = "smtp")]
pub struct SmtpConfig {
    #[config(defualt = 587)]
    port: u16,
}

fn main() {}
