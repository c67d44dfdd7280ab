//! A wrong zone is told the nearest known one.
#![allow(unused)]

use athyper::prelude::*;

#[scheduled("0 0 * * *", tz = "Europe/Berln")]
async fn report() -> Result<()> {
    Ok(())
}

fn main() {}
