//! The options of the tick's job are checked too.
#![allow(unused)]

use athyper::prelude::*;

#[scheduled("0 0 * * *", timeout = "soon")]
async fn report() -> Result<()> {
    Ok(())
}

fn main() {}
