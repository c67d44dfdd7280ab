//! `#[inject]` stands once on a field.
#![allow(unused)]

use athyper::prelude::*;

#[inject]
pub struct SignUp {
    #[inject]
    #[inject(name = "main")]
    mailer: Arc<u8>,
}

fn main() {}
