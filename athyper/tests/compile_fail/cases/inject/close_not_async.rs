//! Closing is awaited.
#![allow(unused)]

use athyper::prelude::*;

#[inject(close = SignUp::close)]
pub struct SignUp;

impl SignUp {
    fn close(&self) -> Result<()> {
        Ok(())
    }
}

fn main() {}
