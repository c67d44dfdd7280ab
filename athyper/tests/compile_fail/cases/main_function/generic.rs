//! The product's function has no generic parameters.
#![allow(unused)]

pub struct KernelBuilder;

#[athyper::main]
fn app<T>(kernel: KernelBuilder) -> KernelBuilder {
    kernel
}
