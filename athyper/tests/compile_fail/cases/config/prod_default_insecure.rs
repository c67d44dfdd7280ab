//! What `prod` refuses without a value has no default there.
#![allow(unused)]

use athyper::prelude::*;

#[derive(Config)]
#[config(section = "smtp")]
pub struct SmtpConfig {
    #[config(prod_default = 5, insecure_in_prod = "anybody could")]
    port: u16,
}

fn main() {}
