//! The expression comes first.
#![allow(unused)]

use athyper::prelude::*;

#[scheduled(tz = "Europe/Berlin")]
async fn report() -> Result<()> {
    Ok(())
}

fn main() {}
