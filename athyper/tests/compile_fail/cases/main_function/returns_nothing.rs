//! The product's function returns the builder.
#![allow(unused)]

pub struct KernelBuilder;

#[athyper::main]
fn app(kernel: KernelBuilder) {}
