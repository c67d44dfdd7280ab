//! What a Redis URL says.

use std::path::PathBuf;

use ::redis::TlsCertificates;

use super::durability::Durability;
use super::target::{Target, Topology};
use crate::foundation::config::StoreUrl;
use crate::foundation::error::{Error, Result};

/// A parsed Redis URL.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Options {
    /// Where the servers are. It may hold a password.
    pub(super) target: Target,
    /// The URL as it may be shown.
    pub(super) shown: String,
    /// What every key begins with.
    pub(super) prefix: String,
    /// What the server must promise.
    pub(super) durability: Durability,
    /// How many replicas must have a job before it counts as added.
    pub(super) replicas: u32,
    /// The file with the certificates that servers are trusted by, instead of the system's.
    authority: Option<PathBuf>,
}

const KNOWN: &str = "prefix=bull, durability=always|second|none, replicas=0, authority=FILE";

impl Options {
    /// Reads `redis://[[user]:password@]host[:port][/database]`, `redis+sentinel://…` or `redis+cluster://…`, each also as
    /// `rediss…`, with options behind a `?`.
    pub(super) fn parse(url: &str) -> Result<Self> {
        let shown = url.parse::<StoreUrl>().map_or_else(|_| "the URL".to_owned(), |url| url.to_string());
        let (servers, query) = url.split_once('?').unwrap_or((url, ""));
        let (target, prefix) = Target::parse(servers).map_err(|why| wrong(&shown, &why))?;
        let mut options = Self {
            target,
            shown,
            prefix: "bull".to_owned(),
            durability: Durability::Second,
            replicas: 0,
            authority: None,
        };
        let prefix = prefix.map(|prefix| format!("prefix={prefix}"));
        for pair in prefix.as_deref().into_iter().chain(query.split('&')).filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            if options.set(key, value).is_none() {
                let why = format!("its option `{pair}` is not understood; there are: {KNOWN}");
                return Err(wrong(&options.shown, &why));
            }
        }
        if options.target.topology == Topology::Cluster && !has_tag(&options.prefix) {
            options.prefix = format!("{{{}}}", options.prefix);
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
            "replicas" => self.replicas = value.parse().ok()?,
            "authority" if self.target.is_secure && !value.is_empty() => self.authority = Some(value.into()),
            _ => return None,
        }
        Some(())
    }

    /// The certificates that servers are trusted by, if the URL names them.
    pub(super) fn read_authority(&self) -> Result<Option<TlsCertificates>> {
        let Some(file) = &self.authority else { return Ok(None) };
        let read = std::fs::read(file).map_err(|failure| {
            wrong(&self.shown, &format!("the certificates `{}` cannot be read ({failure})", file.display()))
        })?;
        Ok(Some(TlsCertificates { client_tls: None, root_cert: Some(read) }))
    }
}

/// Whether what stands in braces decides on the slot of a key that begins so.
fn has_tag(prefix: &str) -> bool {
    prefix.split_once('{').and_then(|(_, rest)| rest.split_once('}')).is_some_and(|(tag, _)| !tag.is_empty())
}

/// The URL cannot be used.
pub(super) fn wrong(shown: &str, why: &str) -> Error {
    Error::configuration(format!(
        "`{shown}` is not a Redis URL: {why}. Write `redis://host:6379`, `redis://user:password@host:6379/0`, \
         `redis+sentinel://host:26379,host:26379/NAME` or `redis+cluster://host:6379,host:6379`; with TLS `rediss` instead of `redis`"
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
        assert_eq!(options.target.hosts, [":hunter2@host:6380/2"]);
        assert_eq!((&*options.prefix, options.durability), ("{app}", Durability::None));
        assert!(!options.shown.contains("hunter2"), "{}", options.shown);
    }

    #[test]
    fn an_unknown_option_is_named() {
        for url in [
            "redis://host?prefx=a",
            "redis://host?prefix=",
            "redis://host?prefix=a:b",
            "redis://host?durability=yes",
            "redis://host?authority=a",
            "redis://host?replicas=-1",
            "redis+cluster://host/a:b",
        ] {
            let error = Options::parse(url).err().expect(url);
            assert_eq!(error.code(), "redis-url");
            assert!(error.to_string().contains("prefix=bull"), "{error}");
        }
    }

    #[test]
    fn in_a_cluster_a_prefix_names_a_slot() {
        let prefix = |url: &str| Options::parse(url).map(|options| options.prefix).expect(url);
        for (url, wanted) in [
            ("redis+cluster://host", "{bull}"),
            ("redis+cluster://host/shop", "{shop}"),
            ("redis+cluster://host/{shop}", "{shop}"),
            ("redis+cluster://host?prefix=shop-{eu}", "shop-{eu}"),
            ("redis+cluster://host?prefix=shop{}", "{shop{}}"),
            ("redis+sentinel://host/main", "bull"),
        ] {
            assert_eq!(prefix(url), wanted, "{url}");
        }
    }
}
