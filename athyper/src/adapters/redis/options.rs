//! What a Redis URL says.

use super::durability::Durability;
use crate::foundation::config::StoreUrl;
use crate::foundation::error::{Error, Result};

/// A parsed Redis URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Options {
    /// The URL without our options, for the client. It may hold a password.
    pub(super) server: String,
    /// The URL as it may be shown.
    pub(super) shown: String,
    /// What every key begins with.
    pub(super) prefix: String,
    /// What the server must promise.
    pub(super) durability: Durability,
}

const KNOWN: &str = "prefix=bull, durability=always|second|none";

impl Options {
    /// Reads `redis://[[user]:password@]host[:port][/database]` or `rediss://…`, with options behind a `?`.
    pub(super) fn parse(url: &str) -> Result<Self> {
        let shown = url.parse::<StoreUrl>().map_or_else(|_| "the URL".to_owned(), |url| url.to_string());
        let (server, query) = url.split_once('?').unwrap_or((url, ""));
        let mut options = Self {
            // The protocol's third version tells at once that a connection is gone, also one that nobody uses.
            server: format!("{server}?protocol=resp3"),
            shown,
            prefix: "bull".to_owned(),
            durability: Durability::Second,
        };
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            if options.set(key, value).is_none() {
                let why = format!("its option `{pair}` is not understood; there are: {KNOWN}");
                return Err(wrong(&options.shown, &why));
            }
        }
        Ok(options)
    }

    fn set(&mut self, key: &str, value: &str) -> Option<()> {
        match key {
            "prefix" => {
                let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.{}".contains(&byte);
                self.prefix = Some(value).filter(|value| !value.is_empty() && value.bytes().all(legal))?.to_owned();
            }
            "durability" => self.durability = Durability::read(value)?,
            _ => return None,
        }
        Some(())
    }
}

/// The URL cannot be used.
pub(super) fn wrong(shown: &str, why: &str) -> Error {
    Error::configuration(format!(
        "`{shown}` is not a Redis URL: {why}. Write `redis://host:6379`, `redis://user:password@host:6379/0` or `rediss://host`"
    ))
    .with_code("redis-url")
}

#[cfg(test)]
mod tests {
    use super::Options;
    use crate::adapters::redis::durability::Durability;

    #[test]
    fn options_are_ours_and_the_rest_is_the_clients() {
        let options = Options::parse("redis://:hunter2@host:6380/2?prefix={app}&durability=none").expect("it is a URL");
        assert_eq!(options.server, "redis://:hunter2@host:6380/2?protocol=resp3");
        assert_eq!((&*options.prefix, options.durability), ("{app}", Durability::None));
        assert!(!options.shown.contains("hunter2"), "{}", options.shown);
    }

    #[test]
    fn an_unknown_option_is_named() {
        for url in
            ["redis://host?prefx=a", "redis://host?prefix=", "redis://host?prefix=a:b", "redis://host?durability=yes"]
        {
            let error = Options::parse(url).expect_err(url);
            assert_eq!(error.code(), "redis-url");
            assert!(error.to_string().contains("prefix=bull"), "{error}");
        }
    }
}
