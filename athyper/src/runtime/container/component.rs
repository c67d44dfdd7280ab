//! A type that the container knows how to build.

use super::ComponentDescriptor;

/// A type that the container knows how to build; written by `#[inject]` on a struct.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a component",
    note = "write `#[inject]` on the struct, or give the builder a value: `.provide(…)`"
)]
pub trait Component: Send + Sync + 'static {
    /// How it is found, what it needs, how it is built.
    const DESCRIPTOR: ComponentDescriptor;
}
