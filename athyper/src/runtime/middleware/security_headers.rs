//! The headers that tell browsers to be careful.

use std::sync::Arc;

use axum::response::Response;
use http::header::{self, HeaderName, HeaderValue};

use super::exchange::Exchange;
use super::filter::{Filter, single_filter_layers};
use crate::foundation::error::{Error, Result};

/// The list of the OWASP Secure Headers Project as of 2026-07-19, `Content-Security-Policy` and `Cache-Control` excepted, which
/// can be configured, and `Clear-Site-Data`, which belongs to signing out.
const FIXED: [(HeaderName, &str); 10] = [
    (HeaderName::from_static("cross-origin-embedder-policy"), "require-corp"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (
        HeaderName::from_static("permissions-policy"),
        "accelerometer=(), autoplay=(), camera=(), cross-origin-isolated=(), display-capture=(), encrypted-media=(), \
         fullscreen=(), geolocation=(), gyroscope=(), keyboard-map=(), magnetometer=(), microphone=(), midi=(), payment=(), \
         picture-in-picture=(), publickey-credentials-get=(), screen-wake-lock=(), sync-xhr=(self), usb=(), web-share=(), \
         xr-spatial-tracking=(), clipboard-read=(), clipboard-write=(), gamepad=(), hid=(), idle-detection=(), \
         interest-cohort=(), serial=(), unload=()",
    ),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::STRICT_TRANSPORT_SECURITY, "max-age=63072000; includeSubDomains"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_DNS_PREFETCH_CONTROL, "off"),
    (header::X_FRAME_OPTIONS, "deny"),
    (HeaderName::from_static("x-permitted-cross-domain-policies"), "none"),
];

/// The project's policy, with the stricter `base-uri 'none'` of OWASP ASVS 3.4.3.
const DEFAULT_POLICY: &str = "default-src 'self'; form-action 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'; upgrade-insecure-requests";

/// Names that give away what answers.
const REVEALING: [HeaderName; 2] = [header::SERVER, HeaderName::from_static("x-powered-by")];

#[derive(Debug)]
struct SecurityHeadersFilter {
    /// Made once: to make a value means to check each of its bytes.
    fixed: Vec<(HeaderName, HeaderValue)>,
    policy: HeaderValue,
    cache: HeaderValue,
}

impl SecurityHeadersFilter {
    fn new(policy: HeaderValue) -> Self {
        let fixed = FIXED.into_iter().map(|(name, value)| (name, HeaderValue::from_static(value))).collect();
        Self { fixed, policy, cache: HeaderValue::from_static("no-store, max-age=0") }
    }
}

impl Filter for SecurityHeadersFilter {
    fn after(&self, _exchange: &mut Exchange, response: &mut Response) {
        let headers = response.headers_mut();
        for name in REVEALING {
            headers.remove(name);
        }
        for (name, value) in &self.fixed {
            headers.insert(name, value.clone());
        }
        // What a handler says of its own document counts.
        headers.entry(header::CONTENT_SECURITY_POLICY).or_insert_with(|| self.policy.clone());
        headers.entry(header::CACHE_CONTROL).or_insert_with(|| self.cache.clone());
    }

    fn added_fields(&self) -> usize {
        self.fixed.len() + 2
    }
}

/// Sets the headers of the OWASP Secure Headers Project on every response that passes, and removes `Server` and `X-Powered-By`.
///
/// A handler's own `Content-Security-Policy` and `Cache-Control` stay; the others are the same everywhere.
///
/// ```
/// use athyper::http::middleware::SecurityHeadersLayer;
/// use axum::Router;
///
/// let layer = SecurityHeadersLayer::new().with_content_security_policy("default-src 'none'")?;
/// let router: Router = Router::new().layer(layer);
/// # Ok::<(), athyper::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct SecurityHeadersLayer(Arc<dyn Filter>);

impl SecurityHeadersLayer {
    /// With a policy that lets a page load from its own origin only.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(SecurityHeadersFilter::new(HeaderValue::from_static(DEFAULT_POLICY))))
    }

    /// With another Content Security Policy.
    ///
    /// # Errors
    /// `Configuration` when it is no header value.
    pub fn with_content_security_policy(self, policy: &str) -> Result<Self> {
        let policy = HeaderValue::from_str(policy).map_err(|error| {
            Error::configuration("the content security policy is no header value").with_source(error)
        })?;
        Ok(Self(Arc::new(SecurityHeadersFilter::new(policy))))
    }

    pub(crate) fn filter(&self) -> Arc<dyn Filter> {
        Arc::clone(&self.0)
    }
}

impl Default for SecurityHeadersLayer {
    fn default() -> Self {
        Self::new()
    }
}

single_filter_layers!(SecurityHeadersLayer);
