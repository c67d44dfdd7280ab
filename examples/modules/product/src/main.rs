//! A product that knows athyper under another name (`framework`, in `Cargo.toml`) and takes the crate `billing` along.
//!
//! `cargo run -p modules-product -- jobs` lists the jobs of both crates.
#![forbid(unsafe_code)]

// Lets modules without the prelude, such as `audit`, use the macros as well.
extern crate framework as athyper;

mod audit;

use framework::prelude::*;
use serde::{Deserialize, Serialize};

framework::modules!(billing);

#[derive(Debug, Serialize, Deserialize, Job)]
struct Greet {
    name: String,
}

#[job]
async fn greet(job: Greet) -> Result<()> {
    println!("Hello, {}!", job.name);
    Ok(())
}

#[framework::main]
fn app(kernel: KernelBuilder) -> KernelBuilder {
    kernel
}
