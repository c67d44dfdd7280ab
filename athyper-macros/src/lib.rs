//! The attributes and derives of the athyper framework. Products use them through `athyper`, never this crate.
//!
//! Each macro lies in a folder of its own: `parse` reads what stands there, `model` checks all of it and collects every
//! error, `expand` turns a checked model into tokens and cannot fail. On an error the item is emitted as it was, with
//! whatever makes the rest of the product compile, so that one mistake gives one message.
#![forbid(unsafe_code)]

mod common;
mod config;
mod entry;
mod failure;
mod inject;
mod job;
mod port;
mod row;
mod scheduled;
mod test;

use proc_macro::TokenStream;

/// Makes a struct or a factory function a component of the container.
#[proc_macro_attribute]
pub fn inject(arguments: TokenStream, item: TokenStream) -> TokenStream {
    inject::attribute(arguments.into(), item.into()).into()
}

/// Makes an `async fn` the handler of a job.
#[proc_macro_attribute]
pub fn job(arguments: TokenStream, item: TokenStream) -> TokenStream {
    job::attribute(arguments.into(), item.into()).into()
}

/// Says who a payload is on the wire.
#[proc_macro_derive(Job, attributes(job))]
pub fn derive_job(input: TokenStream) -> TokenStream {
    job::derive(input.into()).into()
}

/// Lets an `async fn` run when a cron expression says so.
#[proc_macro_attribute]
pub fn scheduled(arguments: TokenStream, item: TokenStream) -> TokenStream {
    scheduled::attribute(arguments.into(), item.into()).into()
}

/// Reads a struct from the configuration.
#[proc_macro_derive(Config, attributes(config))]
pub fn derive_config(input: TokenStream) -> TokenStream {
    config::derive(input.into()).into()
}

/// Reads a struct from a row, by column name.
#[proc_macro_derive(Row, attributes(row))]
pub fn derive_row(input: TokenStream) -> TokenStream {
    row::derive(input.into()).into()
}

/// Makes a product's error join `athyper::Error`.
#[proc_macro_derive(Failure, attributes(failure, source))]
pub fn derive_failure(input: TokenStream) -> TokenStream {
    failure::derive(input.into()).into()
}

/// Makes a trait a port: usable as `dyn Trait`, and replaceable in tests.
#[proc_macro_attribute]
pub fn port(arguments: TokenStream, item: TokenStream) -> TokenStream {
    port::attribute(arguments.into(), item.into()).into()
}

/// Writes the product's `main`.
#[proc_macro_attribute]
pub fn main(arguments: TokenStream, item: TokenStream) -> TokenStream {
    entry::attribute(arguments.into(), item.into()).into()
}

/// Runs a test against a product: `athyper_testkit::test` re-exports it.
#[proc_macro_attribute]
pub fn test(arguments: TokenStream, item: TokenStream) -> TokenStream {
    test::attribute(arguments.into(), item.into()).into()
}
