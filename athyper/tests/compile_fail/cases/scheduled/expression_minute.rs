//! A wrong field is named.
#![allow(unused)]

use athyper::prelude::*;

#[scheduled("61 * * * *", tz = "Europe/Berlin")]
async fn report() -> Result<()> {
    Ok(())
}

fn main() {}
