//! A child is a job that has not been enqueued yet.
#![allow(unused)]

use athyper::prelude::*;

use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Job)]
pub struct Welcome {
    to: String,
}

#[job]
async fn welcome(job: Welcome) -> Result<()> {
    Ok(())
}

async fn enqueue(jobs: &Jobs, one: Welcome, other: Welcome) -> Result<()> {
    jobs.enqueue(one).child(jobs.enqueue(other).await?).await?;
    Ok(())
}

fn main() {}
