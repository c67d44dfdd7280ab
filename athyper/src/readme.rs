//! Compiles the product of the README as a documentation test; exists in no other build.

#![doc = include_str!("../../README.md")]
