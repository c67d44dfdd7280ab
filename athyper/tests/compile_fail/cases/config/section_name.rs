//! The name of a section can be spelled by a variable.
#![allow(unused)]

use athyper::prelude::*;

#[derive(Config)]
#[config(section = "Smtp-Server")]
pub struct SmtpConfig {
    port: u16,
}

fn section<S: athyper::config::ConfigSection>() {}

pub fn uses() {
    section::<SmtpConfig>();
}

fn main() {}
