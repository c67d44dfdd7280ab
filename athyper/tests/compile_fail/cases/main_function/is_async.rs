//! The product's function is not `async`.
#![allow(unused)]

pub struct KernelBuilder;

#[athyper::main]
async fn app(kernel: KernelBuilder) -> KernelBuilder {
    kernel
}
