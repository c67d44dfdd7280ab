//! The container: resolving, building once, circles at run time, replacing, closing, and the check of the graph.
#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod building;
mod circles;
mod closing;
mod export;
mod graph;
mod replacing;
mod resolving;
mod scopes;
mod support;
