//! Tokens that are known beforehand, for tests and for development.

use std::fmt;
use std::hint::black_box;

use async_trait::async_trait;

use crate::foundation::authentication::Authenticator;
use crate::foundation::context::Principal;
use crate::foundation::error::{Error, ErrorKind, Result};
use crate::foundation::secret::Secret;

/// Knows a few tokens and whose they are. It is for tests and for development; production has an identity provider.
///
/// ```
/// use athyper::authentication::StaticTokenAuthenticator;
/// use athyper::context::Principal;
///
/// let authenticator = StaticTokenAuthenticator::new().with_token("a-long-random-text", Principal::new("alice"));
/// ```
#[derive(Default)]
pub struct StaticTokenAuthenticator {
    tokens: Vec<(Secret<String>, Principal)>,
}

impl StaticTokenAuthenticator {
    /// Knows no token.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Knows one token more.
    #[must_use]
    pub fn with_token(mut self, token: impl Into<String>, principal: Principal) -> Self {
        self.tokens.push((Secret::new(token.into()), principal));
        self
    }
}

impl fmt::Debug for StaticTokenAuthenticator {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let principals = self.tokens.iter().map(|(_, principal)| &principal.id);
        formatter.debug_list().entries(principals).finish()
    }
}

#[async_trait]
impl Authenticator for StaticTokenAuthenticator {
    async fn authenticate(&self, token: &str) -> Result<Principal> {
        let mut found = None;
        // Every token is compared, so that the time tells nothing.
        for (known, principal) in &self.tokens {
            if is_same(token.as_bytes(), known.expose().as_bytes()) {
                found = Some(principal);
            }
        }
        found.cloned().ok_or_else(|| Error::new(ErrorKind::Unauthenticated, "the token is not known"))
    }

    fn refused_in_prod(&self) -> Option<&'static str> {
        Some("its tokens are written down beforehand, never expire and cannot be taken back")
    }
}

/// Compares in a time that depends on the length of `given` only.
fn is_same(given: &[u8], known: &[u8]) -> bool {
    let mut difference = u8::from(given.len() != known.len() || known.is_empty());
    for (byte, other) in given.iter().zip(known.iter().cycle()) {
        difference = black_box(difference | (byte ^ other));
    }
    black_box(difference) == 0
}

#[cfg(test)]
mod tests {
    use super::is_same;

    #[test]
    fn only_equal_texts_are_the_same() {
        assert!(is_same(b"secret", b"secret"));
        for (given, known) in [
            (&b"secret"[..], &b"secrey"[..]),
            (b"secretsecret", b"secret"),
            (b"secre", b"secret"),
            (b"", b"secret"),
            (b"secret", b""),
            (b"", b""),
        ] {
            assert!(!is_same(given, known), "{given:?} {known:?}");
        }
    }
}
