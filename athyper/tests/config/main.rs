//! Configuration: sources, precedence, conversion, errors, secrets.

mod handwritten;
mod loading;
mod support;
