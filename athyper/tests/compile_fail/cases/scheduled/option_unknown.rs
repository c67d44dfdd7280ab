//! An unknown option is told the nearest known one.
#![allow(unused)]

use athyper::prelude::*;

#[scheduled("0 0 * * *", zone = "UTC", mised = all)]
async fn report() -> Result<()> {
    Ok(())
}

fn main() {}
