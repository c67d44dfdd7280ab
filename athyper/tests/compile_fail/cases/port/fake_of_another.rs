//! A fake implements the port that it stands in for.
#![allow(unused)]

use athyper::prelude::*;

#[port]
pub trait Mailer: Send + Sync {
    async fn send(&self);
}

pub struct Clock;

fn replace<T: ?Sized + athyper::container::Accepts<V>, V>(_: V) {}

pub fn test() {
    replace::<dyn Mailer, _>(Clock);
}

fn main() {}
