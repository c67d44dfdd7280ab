//! An expression has five fields, or six.
#![allow(unused)]

use athyper::prelude::*;

#[scheduled("0 0 * *")]
async fn report() -> Result<()> {
    Ok(())
}

fn main() {}
