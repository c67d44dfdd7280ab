//! A product that knows athyper under another name (`framework`, in `Cargo.toml`) and takes the crate `billing` along.
//!
//! It is a library with a thin binary, so that tests under `tests/` can start it too.
#![forbid(unsafe_code)]

// Lets files without the prelude, such as `audit.rs`, use the macros as well.
extern crate framework as athyper;

mod audit;

use framework::prelude::*;
use serde::{Deserialize, Serialize};

framework::module!();
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

/// The product.
pub fn app(kernel: KernelBuilder) -> KernelBuilder {
    kernel
}
