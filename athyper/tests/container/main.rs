//! The container: resolving, scopes, single flight, overrides, closing, and the check of the graph.

mod resolving;
