//! What a product's files usually need: `use athyper::prelude::*;`.

pub use std::sync::Arc;
