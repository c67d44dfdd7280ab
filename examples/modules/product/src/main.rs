//! The binary: `cargo run -p modules-product -- jobs` lists the jobs of both crates.
#![forbid(unsafe_code)]

use framework::prelude::*;

#[framework::main]
use modules_product::app;
