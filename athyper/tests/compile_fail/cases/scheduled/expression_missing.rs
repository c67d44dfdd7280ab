//! A schedule has an expression.
#![allow(unused)]

use athyper::prelude::*;

#[scheduled]
async fn report() -> Result<()> {
    Ok(())
}

fn main() {}
