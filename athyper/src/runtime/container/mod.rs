//! Dependency injection: components by type, trait or name, built once, checked before anything is built.

mod builder;
mod closing;
mod component;
mod descriptor;
mod failure;
mod find;
mod forms;
mod frozen;
mod hasher;
mod injection;
mod lazy;
mod provide;
mod provider;
mod request;
mod resolve;
mod resolver;
mod section;
mod slot;
mod waits;

pub use builder::ContainerBuilder;
pub use closing::CloseFailure;
pub use component::Component;
pub use descriptor::{Binding, Close, ComponentDescriptor, Construct, Instance};
pub use frozen::Container;
pub use injection::Injection;
pub use lazy::Lazy;
pub use provide::Provide;
pub use provider::Provider;
pub use request::RequestScope;
pub use resolve::Resolve;
pub use resolver::{FromContainer, Resolver};
