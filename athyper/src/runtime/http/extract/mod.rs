//! What handlers take: injected components, validated input, the context, the principal.

mod context;
mod form;
mod inject;
mod json;
mod query;
mod valid;

pub use form::Form;
pub use inject::Inject;
pub use json::Json;
pub use query::Query;
pub use valid::{Valid, Validatable};
