//! The product's function takes the builder.
#![allow(unused)]

pub struct KernelBuilder;

#[athyper::main]
fn app() -> KernelBuilder {
    KernelBuilder
}
