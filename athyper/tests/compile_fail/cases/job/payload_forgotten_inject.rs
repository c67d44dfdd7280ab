//! `#[inject]` was forgotten on the first parameter.
#![allow(unused)]

use athyper::prelude::*;

#[job]
async fn welcome(mailer: Arc<u8>) -> Result<()> {
    Ok(())
}

fn main() {}
