//! What becomes of missed ticks is one of three words.
#![allow(unused)]

use athyper::prelude::*;

#[scheduled("0 0 * * *", missed = catchup)]
async fn report() -> Result<()> {
    Ok(())
}

fn main() {}
