//! A section has fields.
#![allow(unused)]

use athyper::prelude::*;

#[derive(Config)]
pub struct SmtpConfig;

fn main() {}
