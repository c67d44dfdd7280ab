//! The product's function is not called `main`.
#![allow(unused)]

pub struct KernelBuilder;

#[athyper::main]
fn main(kernel: KernelBuilder) -> KernelBuilder {
    kernel
}
