//! The object graph as data: keys, wants, scopes, places; and the check of a whole graph.

mod accepts;
mod graph;
mod key;
mod place;
mod want;

pub use accepts::Accepts;
pub(crate) use graph::nearest_key;
pub use graph::{Graph, GraphNode, GraphRoot, Reach};
pub use key::TypeKey;
pub use place::Place;
pub use want::{Scope, Want, WantMode};
