//! A section of the configuration, as the container hands it out.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// A section of the configuration, as the container hands it out; it derefs to the section.
///
/// ```
/// use athyper::prelude::*;
/// # #[port] trait Mailer: Send + Sync {}
/// # struct Smtp;
/// # #[port] impl Mailer for Smtp {}
/// # async fn connect(host: &str, port: u16) -> Result<Arc<dyn Mailer>> { Ok(Arc::new(Smtp)) }
///
/// #[derive(Config)]
/// #[config(section = "smtp")]
/// struct SmtpConfig {
///     host: String,
///     #[config(default = 587)]
///     port: u16,
/// }
///
/// #[inject]
/// async fn mailer(config: Config<SmtpConfig>) -> Result<Arc<dyn Mailer>> {
///     connect(&config.host, config.port).await
/// }
/// ```
pub struct Config<T>(Arc<T>);

impl<T> Config<T> {
    /// A section from a value, for tests that call a factory by hand.
    #[must_use]
    pub fn new(section: T) -> Self {
        Self(Arc::new(section))
    }

    pub(crate) const fn shared(section: Arc<T>) -> Self {
        Self(section)
    }
}

impl<T> Deref for Config<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> Clone for Config<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: fmt::Debug> fmt::Debug for Config<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, formatter)
    }
}
