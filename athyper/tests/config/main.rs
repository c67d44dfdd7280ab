//! Configuration: sources, precedence, conversion, errors, secrets.

mod conversion;
mod derived;
mod effective;
mod handwritten;
mod loading;
mod properties;
mod stores;
mod support;
