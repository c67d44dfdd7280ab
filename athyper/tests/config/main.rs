//! Configuration: sources, precedence, conversion, errors, secrets.

mod handwritten;
