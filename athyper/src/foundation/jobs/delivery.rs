//! Jobs that were committed elsewhere, on their way into a queue.

/// Names a [delivery](super::JobQueue::deliver), so that its jobs are not added a second time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Where the jobs come from: one outbox of one database.
    pub source: String,
    /// Which delivery of that source. It grows from one to the next, and is below 2⁵³.
    pub number: i64,
}

impl Delivery {
    /// How many deliveries of a source a queue remembers at least.
    pub const REMEMBERED: u32 = 100;
}

/// What became of a [`Delivery`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivered {
    /// It has arrived now.
    Now,
    /// It had arrived before: nothing was added.
    Before,
    /// A later one of its source has arrived, and this one is not remembered: nothing was added, nor ever will be under this
    /// number.
    Overtaken,
}
