//! What becomes of overlapping ticks is one of three words.
#![allow(unused)]

use athyper::prelude::*;

#[scheduled("0 0 * * *", overlap = que)]
async fn report() -> Result<()> {
    Ok(())
}

fn main() {}
