//! An earlier shape has to become the payload.
#![allow(unused)]

use athyper::prelude::*;

use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
pub struct Old(String);

#[derive(Serialize, Deserialize, Job)]
#[job(version = 2, upcasts = [Old])]
pub struct Welcome {
    to: String,
}

#[job]
async fn welcome(job: Welcome) {}

fn main() {}
