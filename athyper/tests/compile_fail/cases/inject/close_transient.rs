//! The container closes only what it keeps.
#![allow(unused)]

use athyper::prelude::*;

#[inject(scope = transient, close = SignUp::close)]
pub struct SignUp;

impl SignUp {
    async fn close(&self) -> Result<()> {
        Ok(())
    }
}

fn main() {}
