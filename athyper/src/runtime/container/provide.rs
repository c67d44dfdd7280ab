//! Providing a component by hand.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use futures_core::future::BoxFuture;

use super::provider::{Alias, CloseInstance, Provider, Source};
use super::{FromContainer, Instance, Resolver};
use crate::foundation::container::{Place, Scope, TypeKey, Want};
use crate::foundation::error::Result;

/// A component given by hand instead of by `#[inject]`: a value, or a factory and what it needs.
///
/// ```
/// use std::sync::Arc;
/// use athyper::container::{ContainerBuilder, Provide, Reach};
///
/// trait Greeter: Send + Sync {
///     fn greet(&self) -> String;
/// }
/// struct English(Arc<String>);
/// impl Greeter for English {
///     fn greet(&self) -> String {
///         format!("Hello, {}", self.0)
///     }
/// }
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let mut builder = ContainerBuilder::new();
/// builder.provide(String::from("world"));
/// builder.add(
///     Provide::factory(|resolver| Box::pin(async move { Ok(Arc::new(English(resolver.resolve().await?))) }))
///         .wants::<Arc<String>>("the name")
///         .bind::<dyn Greeter>(|english| english),
/// );
/// let container = builder.build(Reach::Everything)?;
/// let greeter: Arc<dyn Greeter> = container.resolve().await?;
/// assert_eq!(greeter.greet(), "Hello, world");
/// # Ok(())
/// # }
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(example()).unwrap();
/// ```
#[must_use = "hand it to `ContainerBuilder::add`"]
pub struct Provide<T: ?Sized> {
    provider: Provider,
    marker: PhantomData<fn() -> Arc<T>>,
}

impl<T: ?Sized + Send + Sync + 'static> Provide<T> {
    /// A value that is there already.
    #[track_caller]
    pub fn value(value: T) -> Self
    where
        T: Sized,
    {
        Self::shared(Arc::new(value))
    }

    /// A value that is there already and may be shared with others or be a `dyn Trait`.
    #[track_caller]
    pub fn shared(value: Arc<T>) -> Self {
        let ready = move || Box::new(Arc::clone(&value)) as Instance;
        Self::from_source(Source::Ready(Arc::new(ready)), "value")
    }

    /// A function that builds it. Name what it resolves with [`wants`](Self::wants), or the check of the graph cannot see it.
    #[track_caller]
    pub fn factory<F>(build: F) -> Self
    where
        F: for<'a> Fn(&'a Resolver<'a>) -> BoxFuture<'a, Result<Arc<T>>> + Send + Sync + 'static,
    {
        let build = Arc::new(build);
        Self::from_source(Source::Built(Arc::new(move |resolver| erase(build(resolver)))), "factory of")
    }

    #[track_caller]
    fn from_source(source: Source, kind: &str) -> Self {
        let key = TypeKey::of::<T>();
        let provider = Provider {
            key,
            aliases: Vec::new(),
            scope: Scope::Singleton,
            order: 0,
            label: format!("{kind} `{key}`"),
            place: Place::caller(),
            module: "",
            wants: Vec::new(),
            source,
            close: None,
        };
        Self { provider, marker: PhantomData }
    }

    /// Finds it under a name only.
    pub fn named(mut self, name: &'static str) -> Self {
        self.provider.key = self.provider.key.named(Some(name));
        for alias in &mut self.provider.aliases {
            alias.key = alias.key.named(Some(name));
        }
        self
    }

    /// How long it lives; [`Scope::Singleton`] unless said. A value lives as long as the container, whatever is said here.
    pub fn scope(mut self, scope: Scope) -> Self {
        if matches!(self.provider.source, Source::Built(_)) {
            self.provider.scope = scope;
        }
        self
    }

    /// Its place in a `Vec<Arc<T>>`; smaller comes first, 0 unless said.
    pub fn order(mut self, order: i32) -> Self {
        self.provider.order = order;
        self
    }

    /// What reports call it, such as ``factory `mailer` ``.
    pub fn labelled(mut self, label: impl Into<String>) -> Self {
        self.provider.label = label.into();
        self
    }

    /// Declares that the factory resolves an `F`, such as `Arc<dyn Mailer>`; `label` says what for.
    #[track_caller]
    pub fn wants<F: FromContainer>(self, label: &'static str) -> Self {
        self.want(Want { key: F::KEY, mode: F::MODE, label, place: Place::caller() })
    }

    /// Declares that the factory resolves the `F` of a name.
    #[track_caller]
    pub fn wants_named<F: FromContainer>(self, name: &'static str, label: &'static str) -> Self {
        self.want(Want { key: F::KEY.named(Some(name)), mode: F::MODE, label, place: Place::caller() })
    }

    fn want(mut self, want: Want) -> Self {
        self.provider.wants.push(want);
        self
    }

    /// Also finds it by another type, usually a `dyn Trait`: `.bind::<dyn Mailer>(|mailer| mailer)`.
    pub fn bind<U: ?Sized + Send + Sync + 'static>(mut self, convert: fn(Arc<T>) -> Arc<U>) -> Self {
        let key = TypeKey::of::<U>().named(self.provider.key.name());
        let convert = move |instance: &Instance| match instance.downcast_ref::<Arc<T>>() {
            Some(component) => Box::new(convert(Arc::clone(component))) as Instance,
            None => Box::new(()) as Instance,
        };
        self.provider.aliases.push(Alias { key, convert: Arc::new(convert) });
        self
    }

    /// Closes it when the container, or the request it lives for, is closed.
    pub fn closed_by<F>(mut self, close: F) -> Self
    where
        F: Fn(Arc<T>) -> BoxFuture<'static, Result<()>> + Send + Sync + 'static,
    {
        self.provider.close = Some(closer(move |instance| match instance.downcast_ref::<Arc<T>>() {
            Some(component) => close(Arc::clone(component)),
            None => Box::pin(std::future::ready(Ok(()))),
        }));
        self
    }
}

/// Tells the compiler that the closure takes a reference of any lifetime.
fn closer<F>(close: F) -> Arc<CloseInstance>
where
    F: for<'a> Fn(&'a Instance) -> BoxFuture<'a, Result<()>> + Send + Sync + 'static,
{
    Arc::new(close)
}

fn erase<'a, T: ?Sized + Send + Sync + 'static>(
    built: BoxFuture<'a, Result<Arc<T>>>,
) -> BoxFuture<'a, Result<Instance>> {
    Box::pin(async move { built.await.map(|component| Box::new(component) as Instance) })
}

impl<T: ?Sized> From<Provide<T>> for Provider {
    fn from(provide: Provide<T>) -> Self {
        provide.provider
    }
}

impl<T: ?Sized> fmt::Debug for Provide<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.provider, formatter)
    }
}
