//! A crate that does not say that it is a module does not compile.
#![allow(unused)]

athyper::modules!(serde);

fn main() {}
