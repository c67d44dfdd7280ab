//! The check takes the section and a collector.
#![allow(unused)]

use athyper::prelude::*;

#[derive(Config)]
#[config(section = "smtp", check = check)]
pub struct SmtpConfig {
    port: u16,
}

fn check(config: &SmtpConfig) {}

fn main() {}
