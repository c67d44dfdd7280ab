//! A nickname is one of the known ones.
#![allow(unused)]

use athyper::prelude::*;

#[scheduled("@fortnightly")]
async fn report() -> Result<()> {
    Ok(())
}

fn main() {}
