//! What a product's files usually need: `use athyper::prelude::*;`.

// Macro output says `athyper::…`: this is how it finds us in a product that gave us another name.
#[doc(hidden)]
pub use crate as athyper;

pub use std::sync::Arc;
