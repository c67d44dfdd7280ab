//! `#[inject]` on a parameter knows its options too.
#![allow(unused)]

use athyper::prelude::*;

use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub struct Welcome {
    to: String,
}

#[job]
async fn welcome(job: Welcome, #[inject(nmae = "main")] mailer: Arc<u8>) {}

fn main() {}
