//! Compiles the guide as documentation tests; exists in no other build.

#![doc = include_str!("../../guide/jobs.md")]
