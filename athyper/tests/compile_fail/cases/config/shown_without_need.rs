//! Only what serde reads is hidden.
#![allow(unused)]

use athyper::prelude::*;

#[derive(Config)]
#[config(section = "smtp")]
pub struct SmtpConfig {
    #[config(shown)]
    port: u16,
}

fn main() {}
