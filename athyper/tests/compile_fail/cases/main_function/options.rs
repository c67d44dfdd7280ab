//! `main` has no options.
#![allow(unused)]

pub struct KernelBuilder;

#[athyper::main(threads = 4)]
fn app(kernel: KernelBuilder) -> KernelBuilder {
    kernel
}
