//! A component has no `where` clause.
#![allow(unused)]

use athyper::prelude::*;

#[inject]
pub struct Cache
where
    u8: Copy,
{
    value: Arc<u8>,
}

fn main() {}
