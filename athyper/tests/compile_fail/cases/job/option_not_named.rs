//! What stands between the parentheses is an option.
#![allow(unused)]

use athyper::prelude::*;

use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub struct Welcome {
    to: String,
}

#[job("email")]
async fn welcome(job: Welcome) -> Result<()> {
    Ok(())
}

fn main() {}
