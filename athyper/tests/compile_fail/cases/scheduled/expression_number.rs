//! The expression is a string.
#![allow(unused)]

use athyper::prelude::*;

#[scheduled(5)]
async fn report() -> Result<()> {
    Ok(())
}

fn main() {}
