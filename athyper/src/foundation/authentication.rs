//! The port that turns a proof of identity into a principal.

use std::fmt;

use async_trait::async_trait;

use super::context::Principal;
use super::error::Result;

/// Proves who stands behind a bearer token.
#[async_trait]
pub trait Authenticator: Send + Sync + fmt::Debug + 'static {
    /// Whose token it is.
    ///
    /// # Errors
    /// `Unauthenticated` when the token proves nothing; `Unavailable` when that cannot be found out now.
    async fn authenticate(&self, token: &str) -> Result<Principal>;

    /// Why profile `prod` must not rely on it, if so, to follow "it is refused because": a kernel does not start with it then.
    fn refused_in_prod(&self) -> Option<&'static str> {
        None
    }
}
