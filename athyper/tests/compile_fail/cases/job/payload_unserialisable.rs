//! A payload travels as JSON.
#![allow(unused)]

use athyper::prelude::*;

pub struct Silent;

#[job]
async fn welcome(job: Silent) -> Result<()> {
    Ok(())
}

fn main() {}
