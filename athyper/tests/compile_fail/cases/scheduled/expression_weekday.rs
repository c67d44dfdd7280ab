//! A wrong name is told what the field takes.
#![allow(unused)]

use athyper::prelude::*;

#[scheduled("0 0 * * FRY")]
async fn report() -> Result<()> {
    Ok(())
}

fn main() {}
