//! A schedule has no colon in its name.
#![allow(unused)]

use athyper::prelude::*;

#[scheduled("0 0 * * *", name = "reports:daily")]
async fn report() -> Result<()> {
    Ok(())
}

fn main() {}
