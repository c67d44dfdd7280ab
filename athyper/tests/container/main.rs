//! The container: resolving, building once, circles at run time, replacing, closing, and the check of the graph.

mod building;
mod circles;
mod closing;
mod export;
mod graph;
mod replacing;
mod resolving;
mod support;
