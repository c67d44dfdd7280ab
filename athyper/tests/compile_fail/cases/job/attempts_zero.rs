//! A job is attempted at least once; the payload stays a job, so that there is one message.
#![allow(unused)]

use athyper::prelude::*;

use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub struct Welcome {
    to: String,
}

#[job(attempts = 0)]
async fn welcome(job: Welcome) -> Result<()> {
    Ok(())
}

fn enqueue<J: Job>(_: J) {}

pub fn sign_up() {
    enqueue(Welcome { to: String::new() });
}

fn main() {}
