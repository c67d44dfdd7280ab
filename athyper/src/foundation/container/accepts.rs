//! What may stand in for a component.

use std::sync::Arc;

/// Says that a value of type `V` can stand in for the component `Self`: a fake for a trait, a value for its own type.
///
/// `#[port]` writes it for a trait, so that a test can say `replace::<dyn Mailer>().with(RecordingMailer::default())`.
#[diagnostic::on_unimplemented(
    message = "`{V}` cannot stand in for `{Self}`",
    note = "for a trait, write `#[port]` on it and implement it for `{V}`"
)]
pub trait Accepts<V> {
    /// Turns the value into the component.
    fn accept(value: Arc<V>) -> Arc<Self>;
}

impl<T> Accepts<T> for T {
    fn accept(value: Arc<T>) -> Arc<T> {
        value
    }
}
