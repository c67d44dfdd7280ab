//! Moves messages of the outbox to where they are meant for.

mod jobs;
mod observer;
mod relay;
mod status;

pub use jobs::JobDestination;
pub use relay::Relay;
