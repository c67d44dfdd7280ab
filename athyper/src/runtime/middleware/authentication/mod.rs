//! Who stands behind a request.

mod layer;
mod static_token;

pub use layer::AuthenticationLayer;
pub use static_token::StaticTokenAuthenticator;
