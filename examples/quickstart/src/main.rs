//! The quickstart's binary: `cargo run -p quickstart`, or with `MODE=api`, `MODE=worker`, `MODE=scheduler`.

#[athyper::main]
use quickstart::app;
