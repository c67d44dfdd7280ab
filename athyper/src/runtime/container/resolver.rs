//! The view of the container that constructors and handlers get.

use std::future::Future;
use std::sync::Arc;

use super::Injection;
use super::failure::{Failure, is_answer};
use super::find::{Found, find, find_all};
use super::frozen::Frozen;
use super::request::Request;
use super::resolve::Resolve;
use super::waits::Frame;
use crate::foundation::container::{Place, TypeKey, WantMode};
use crate::foundation::context::Context;
use crate::foundation::error::{Error, Result};

/// The view of the container that constructors and handlers get: it knows the scope, and who wants what for whom.
#[derive(Debug, Clone, Copy)]
pub struct Resolver<'a> {
    pub(super) frozen: &'a Arc<Frozen>,
    pub(super) request: Option<&'a Arc<Request>>,
    /// The constructor that it was made for.
    pub(super) frame: Option<&'a Arc<Frame>>,
    origin: Option<(&'a str, Place)>,
}

/// A type that the container can hand out: `Arc<T>`, `Option<Arc<T>>`, `Vec<Arc<T>>`, `Lazy<T>`, `Config<T>`, `Context`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be injected",
    label = "not an injectable form",
    note = "injectable are `Arc<T>`, `Arc<dyn Trait>`, `Option<Arc<T>>`, `Vec<Arc<T>>`, `Lazy<T>`, `Config<T>` and `Context`"
)]
pub trait FromContainer: Sized + Send + Unpin + 'static {
    /// What is looked up.
    const KEY: TypeKey;
    /// In which form it is wanted.
    const MODE: WantMode;

    /// How macro output hands it out.
    #[doc(hidden)]
    const INJECTION: Injection<Self> =
        Injection { key: Self::KEY, mode: Self::MODE, resolve: |resolver, name| Resolve::new(*resolver, name) };

    /// Hands it out; `name` is given with `#[inject(name = "…")]`.
    fn from_container(resolver: &Resolver<'_>, name: Option<&'static str>)
    -> impl Future<Output = Result<Self>> + Send;

    /// Hands it out if nothing has to be built for it.
    fn from_built(resolver: &Resolver<'_>, name: Option<&'static str>) -> Option<Self> {
        let _ = (resolver, name);
        None
    }
}

impl<'a> Resolver<'a> {
    pub(super) fn new(
        frozen: &'a Arc<Frozen>,
        request: Option<&'a Arc<Request>>,
        frame: Option<&'a Arc<Frame>>,
    ) -> Self {
        Self { frozen, request, frame, origin: None }
    }

    /// Names who resolves, such as ``job `welcome` ``, for the errors of constructors.
    #[must_use]
    pub fn wanted_by(self, label: &'a str, place: Place) -> Self {
        Self { origin: Some((label, place)), ..self }
    }

    /// Hands out `F`, such as `Arc<dyn Mailer>`, and builds what is not there yet.
    ///
    /// # Errors
    /// When nothing provides it, or a constructor fails or panics; the next call tries again.
    ///
    /// # Cancel safety
    /// Dropping the future stops a constructor that it runs; whoever waits for the same component runs it anew.
    pub fn resolve<F: FromContainer>(&self) -> Resolve<'a, F> {
        Resolve::new(*self, None)
    }

    /// Hands out the `F` of a name.
    ///
    /// # Errors
    /// As [`resolve`](Self::resolve).
    ///
    /// # Cancel safety
    /// As [`resolve`](Self::resolve).
    pub fn resolve_named<F: FromContainer>(&self, name: &'static str) -> Resolve<'a, F> {
        Resolve::new(*self, Some(name))
    }

    /// A singleton that is there already; it takes no lock and allocates nothing.
    #[must_use]
    pub fn get<T: ?Sized + Send + Sync + 'static>(&self) -> Option<&'a Arc<T>> {
        self.frozen.get(&TypeKey::of::<T>())
    }

    /// Who asked, for which tenant, in which trace.
    ///
    /// # Errors
    /// When there is no request: a singleton is being built, or a hook of the kernel runs.
    pub fn context(&self) -> Result<&'a Context> {
        self.request.map(|request| &request.context).ok_or_else(no_request)
    }

    /// The `Arc` of a key, or nothing when nobody provides it.
    pub(super) async fn find<T: ?Sized + Send + Sync + 'static>(&self, key: TypeKey) -> Result<Option<Arc<T>>> {
        Ok(self.find_owned(key).await?.map(|(component, _)| component))
    }

    /// The `Arc` of a key, and whether it was made for this caller alone.
    pub(super) async fn find_owned<T: ?Sized + Send + Sync + 'static>(
        &self,
        key: TypeKey,
    ) -> Result<Option<(Arc<T>, bool)>> {
        if let Some(built) = self.frozen.get::<T>(&key) {
            return Ok(Some((Arc::clone(built), false)));
        }
        let found = Box::pin(find(self, key)).await.map_err(|error| self.blame(error))?;
        found.map(|found| Ok((arc_of(&found, key)?, matches!(found, Found::Own(_))))).transpose()
    }

    /// The `Arc`s of all providers of a key, in order.
    pub(super) async fn find_all<T: ?Sized + Send + Sync + 'static>(&self, key: TypeKey) -> Result<Vec<Arc<T>>> {
        let found = Box::pin(find_all(self, key)).await.map_err(|error| self.blame(error))?;
        found.iter().map(|found| arc_of(found, key)).collect()
    }

    /// The same view without the request.
    pub(super) fn outside(self) -> Self {
        Self { request: None, ..self }
    }

    pub(super) fn address(&self) -> usize {
        Arc::as_ptr(self.frozen).addr()
    }

    /// The constructor that waits for what is resolved here: the one it was made for, else the one this task runs.
    pub(super) fn current_frame(&self) -> Option<Arc<Frame>> {
        self.frame.map(Arc::clone).or_else(|| Frame::of_task(self.address()))
    }

    /// Names who resolves in an error that leaves the container.
    pub(super) fn blame(&self, error: Error) -> Error {
        match self.origin {
            Some((label, place)) if self.frame.is_none() && !is_answer(&error) => {
                Failure::for_origin(error, &format!("{label} ({place})"))
            }
            _ => error,
        }
    }
}

pub(super) fn no_request() -> Error {
    Error::configuration("what lives as long as a request is wanted where there is no request")
        .with_code("ATH-GRAPH-CAPTIVE")
}

fn arc_of<T: ?Sized + Send + Sync + 'static>(found: &Found<'_>, key: TypeKey) -> Result<Arc<T>> {
    match found.instance().and_then(|instance| instance.downcast_ref::<Arc<T>>()) {
        Some(component) => Ok(Arc::clone(component)),
        None => Err(Error::internal(format!("what provides `{key}` made something else"))),
    }
}
