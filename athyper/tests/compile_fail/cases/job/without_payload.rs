//! A job takes its payload.
#![allow(unused)]

use athyper::prelude::*;

#[job]
async fn welcome(ctx: JobContext) -> Result<()> {
    Ok(())
}

fn main() {}
