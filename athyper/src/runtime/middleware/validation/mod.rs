//! Whether a body is one that a handler should see.

mod json;
mod layer;

pub use layer::{ValidationLayer, ValidationOptions};
