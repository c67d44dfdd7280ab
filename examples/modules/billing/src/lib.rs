//! A module: whatever stands here with an attribute is taken along by a product that says `athyper::modules!(billing)`.
//!
//! Nothing below is public, and the product calls none of it.
#![forbid(unsafe_code)]
#![deny(unused, missing_docs, clippy::pedantic)]

athyper::module!();

mod invoices;
mod reminders;
