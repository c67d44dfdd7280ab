//! Mounts athyper's foundation alone, so that the compiler itself holds the lowest layer: an import of another layer, or
//! of a crate that the manifest does not list, fails to build here.
#![forbid(unsafe_code)]
#![allow(
    clippy::all,
    dead_code,
    unused_imports,
    unreachable_pub,
    reason = "the layer is mounted to be compiled; its own crate is where it is used and linted"
)]

#[path = "../../../src/foundation/mod.rs"]
mod foundation;
