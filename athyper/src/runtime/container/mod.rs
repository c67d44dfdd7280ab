//! Dependency injection: components by type, trait or name, built once, checked before anything is built.

mod component;
mod descriptor;
mod injection;
mod resolver;

pub use component::Component;
pub use descriptor::{Binding, Close, ComponentDescriptor, Construct, Instance};
pub use injection::Injection;
pub use resolver::{FromContainer, Resolver};
