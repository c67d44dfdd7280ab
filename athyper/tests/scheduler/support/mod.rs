//! What the tests of the scheduler share: several processes on one store, in virtual time.

mod queue;
mod world;

pub(crate) use queue::{Decorated, ScheduleStoreDecorator};
pub(crate) use world::{Beat, Node, World, at, schedule};
