//! A second plain parameter has no source.
#![allow(unused)]

use athyper::prelude::*;

#[scheduled("0 0 * * *")]
async fn report(tick: Tick, mailer: Arc<u8>) {}

fn main() {}
