//! A second plain parameter has no source.
#![allow(unused)]

use athyper::prelude::*;

use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub struct Welcome {
    to: String,
}

#[job]
async fn welcome(job: Welcome, mailer: Arc<u8>) -> Result<()> {
    Ok(())
}

fn main() {}
