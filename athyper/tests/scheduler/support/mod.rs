//! What the tests of the scheduler share.

mod clock;

pub(crate) use clock::TestClock;
