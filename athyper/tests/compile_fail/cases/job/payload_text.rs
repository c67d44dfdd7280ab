//! A payload is a type of the product.
#![allow(unused)]

use athyper::prelude::*;

#[job]
async fn welcome(job: String) -> Result<()> {
    Ok(())
}

fn main() {}
