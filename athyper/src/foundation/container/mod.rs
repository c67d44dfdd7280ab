//! The object graph as data: keys, wants, scopes, places; and the check of a whole graph.

mod accepts;
mod key;
mod place;
mod want;

pub use accepts::Accepts;
pub use key::TypeKey;
pub use place::Place;
pub use want::{Scope, Want, WantMode};
