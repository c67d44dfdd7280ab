//! Configuration: sources, precedence, conversion, errors, secrets.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod conversion;
mod derived;
mod effective;
mod handwritten;
mod loading;
mod properties;
mod stores;
mod support;
