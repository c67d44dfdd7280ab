//! A factory returns more than unit.
#![allow(unused)]

use athyper::prelude::*;

#[inject]
fn mailer() -> Result<()> {
    Ok(())
}

fn main() {}
