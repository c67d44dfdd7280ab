//! The product's function takes the builder only.
#![allow(unused)]

pub struct KernelBuilder;

#[athyper::main]
fn app(kernel: KernelBuilder, port: u16) -> KernelBuilder {
    kernel
}
