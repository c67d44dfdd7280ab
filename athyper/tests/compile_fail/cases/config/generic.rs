//! A section has no generic parameters.
#![allow(unused)]

use athyper::prelude::*;

#[derive(Config)]
pub struct SmtpConfig<T> {
    port: T,
}

fn main() {}
