//! Options stand in parentheses.
#![allow(unused)]

use athyper::prelude::*;

#[inject]
pub struct SignUp {
    #[inject = "main"]
    mailer: Arc<u8>,
}

fn main() {}
