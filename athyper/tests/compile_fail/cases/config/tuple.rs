//! A section has named fields.
#![allow(unused)]

use athyper::prelude::*;

#[derive(Config)]
pub struct SmtpConfig(u16);

fn main() {}
