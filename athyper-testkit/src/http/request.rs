//! A request that is sent by awaiting it.

use std::future::{Future, IntoFuture};
use std::pin::Pin;

use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Method, Request};
use serde::Serialize;

use super::{TestResponse, Transport};

/// A request to the product; awaiting it sends it.
#[derive(Debug)]
#[must_use = "a request is sent by awaiting it"]
pub struct TestRequest {
    transport: Transport,
    method: Method,
    path: String,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Vec<u8>,
}

impl TestRequest {
    pub(crate) fn new(transport: Transport, method: Method, path: &str) -> Self {
        Self { transport, method, path: path.to_owned(), headers: Vec::new(), body: Vec::new() }
    }

    /// Sends a value as JSON.
    ///
    /// # Panics
    /// When the value cannot be written as JSON.
    pub fn json<T: Serialize + ?Sized>(self, value: &T) -> Self {
        let body = serde_json::to_vec(value).expect("the body of a test request is written as JSON");
        self.header(CONTENT_TYPE.as_str(), "application/json").body(body)
    }

    /// Sends bytes as they are.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Adds a header.
    ///
    /// # Panics
    /// When name or value are not those of a header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("the name of a header");
        let value = HeaderValue::from_str(value).expect("the value of a header");
        self.headers.push((name, value));
        self
    }

    /// Proves an identity with a bearer token.
    pub fn bearer(self, token: &str) -> Self {
        self.header(AUTHORIZATION.as_str(), &format!("Bearer {token}"))
    }

    async fn send(self) -> TestResponse {
        let mut request = Request::builder().method(self.method).uri(self.path);
        for (name, value) in self.headers {
            request = request.header(name, value);
        }
        let request = request.body(self.body).expect("a path and headers that make a request");
        self.transport.send(request).await
    }
}

impl IntoFuture for TestRequest {
    type Output = TestResponse;
    type IntoFuture = Pin<Box<dyn Future<Output = TestResponse> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}
