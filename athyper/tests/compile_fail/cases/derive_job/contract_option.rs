//! The options of a contract are checked; the payload stays a job, so that there is one message.
#![allow(unused)]

use athyper::prelude::*;

use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Job)]
#[job(contract, attempts = 0)]
pub struct Welcome;

fn enqueue<J: Job>(_: J) {}

pub fn sign_up() {
    enqueue(Welcome);
}

fn main() {}
