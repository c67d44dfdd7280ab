//! A zone is one of the IANA database.
#![allow(unused)]

use athyper::prelude::*;

#[scheduled("0 0 * * *", tz = "local time, wherever that may be")]
async fn report() -> Result<()> {
    Ok(())
}

fn main() {}
