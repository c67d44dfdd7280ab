//! A type without a handler is not a job.
#![allow(unused)]

use athyper::prelude::*;

use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub struct Welcome {
    to: String,
}

fn enqueue<J: Job>(_: J) {}

pub fn sign_up() {
    enqueue(Welcome { to: String::new() });
}

fn main() {}
