//! A schedule has no concurrency: overlap says it.
#![allow(unused)]

use athyper::prelude::*;

#[scheduled("0 0 * * *", concurrency = 2)]
async fn report() -> Result<()> {
    Ok(())
}

fn main() {}
