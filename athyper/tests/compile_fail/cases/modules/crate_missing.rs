//! A module that is not a dependency does not compile.
#![allow(unused)]

athyper::modules!(billing);

fn main() {}
