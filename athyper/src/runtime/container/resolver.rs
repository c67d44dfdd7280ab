//! The view of the container that constructors and handlers get.

use std::future::Future;
use std::marker::PhantomData;

use super::Injection;
use crate::foundation::container::{TypeKey, WantMode};
use crate::foundation::error::Result;

/// The view of the container that constructors and handlers get: it knows the scope, and who wants what for whom.
#[derive(Debug)]
pub struct Resolver<'a> {
    marker: PhantomData<&'a ()>,
}

/// A type that the container can hand out: `Arc<T>`, `Option<Arc<T>>`, `Vec<Arc<T>>`, `Lazy<T>`, `Config<T>`, `Context`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be injected",
    label = "not an injectable form",
    note = "injectable are `Arc<T>`, `Arc<dyn Trait>`, `Option<Arc<T>>`, `Vec<Arc<T>>`, `Lazy<T>`, `Config<T>` and `Context`"
)]
pub trait FromContainer: Sized + Send + 'static {
    /// What is looked up, and in which form.
    const KEY: TypeKey;
    /// In which form it is wanted.
    const MODE: WantMode;

    /// How macro output hands it out.
    #[doc(hidden)]
    const INJECTION: Injection<Self> = Injection {
        key: Self::KEY,
        mode: Self::MODE,
        resolve: |resolver, name| Box::pin(Self::from_container(resolver, name)),
    };

    /// Hands it out; `name` is given with `#[inject(name = "…")]`.
    fn from_container(resolver: &Resolver<'_>, name: Option<&'static str>)
    -> impl Future<Output = Result<Self>> + Send;
}
