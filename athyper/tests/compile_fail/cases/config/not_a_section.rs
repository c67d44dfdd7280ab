//! A table without a section is only part of one.
#![allow(unused)]

use athyper::prelude::*;

#[derive(Config)]
pub struct SmtpConfig {
    port: u16,
}

fn section<S: athyper::config::ConfigSection>() {}

pub fn uses() {
    section::<SmtpConfig>();
}

fn main() {}
