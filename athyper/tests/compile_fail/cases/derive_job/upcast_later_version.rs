//! An upcast starts from an earlier version.
#![allow(unused)]

use athyper::prelude::*;

use serde::{Deserialize, Serialize};

#[derive(Deserialize, Job)]
#[job(version = 2)]
pub struct Old(String);

impl From<Old> for Welcome {
    fn from(old: Old) -> Self {
        Self { to: old.0 }
    }
}

#[derive(Serialize, Deserialize, Job)]
#[job(version = 2, upcasts = [Old])]
pub struct Welcome {
    to: String,
}

#[job]
async fn welcome(job: Welcome) {}

fn main() {}
