//! What is injected is not the payload.
#![allow(unused)]

use athyper::prelude::*;

#[job]
async fn welcome(#[inject] job: Arc<u8>) -> Result<()> {
    Ok(())
}

fn main() {}
