//! A component that is built when it is used first.

use std::fmt;
use std::sync::{Arc, OnceLock, Weak};

use super::forms::missing;
use super::frozen::Frozen;
use super::request::Request;
use super::waits::Frame;
use super::{FromContainer, Resolver};
use crate::foundation::container::{TypeKey, WantMode};
use crate::foundation::error::{Error, ErrorKind, Result};

/// A component that is built when it is used first, so that two components can know each other.
///
/// It keeps neither the container nor the request alive, and of what it hands out only what nobody else has: a transient
/// component. Two components that know each other are therefore dropped with their container.
///
/// ```
/// use athyper::container::{Lazy, Provide, ContainerBuilder, Reach};
/// use std::sync::Arc;
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// struct Chicken { egg: Lazy<Egg> }
/// struct Egg { chicken: Arc<Chicken> }
///
/// let mut builder = ContainerBuilder::new();
/// builder.add(
///     Provide::factory(|resolver| Box::pin(async move { Ok(Arc::new(Chicken { egg: resolver.resolve().await? })) }))
///         .wants::<Lazy<Egg>>("the egg"),
/// );
/// builder.add(
///     Provide::factory(|resolver| Box::pin(async move { Ok(Arc::new(Egg { chicken: resolver.resolve().await? })) }))
///         .wants::<Arc<Chicken>>("the chicken"),
/// );
/// let container = builder.build(Reach::Everything)?;
/// let chicken: Arc<Chicken> = container.resolve().await?;
/// assert!(Arc::ptr_eq(&chicken.egg.get().await?.chicken, &chicken));
/// # Ok(())
/// # }
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(example()).unwrap();
/// ```
pub struct Lazy<T: ?Sized> {
    name: Option<&'static str>,
    /// A transient component, which has no other place.
    own: OnceLock<Arc<T>>,
    frozen: Weak<Frozen>,
    request: Option<Weak<Request>>,
    /// The constructor that got it.
    owner: Option<Arc<Frame>>,
}

impl<T: ?Sized + Send + Sync + 'static> Lazy<T> {
    /// The component; it is built now if it is not there yet. Each call gives the same one.
    ///
    /// # Errors
    /// When a constructor fails or panics (the next call tries again), when this is called by a constructor that the
    /// component needs (`ATH-GRAPH-CYCLE`), or when the container or the request is gone.
    ///
    /// # Cancel safety
    /// As [`Resolver::resolve`].
    pub async fn get(&self) -> Result<Arc<T>> {
        if let Some(own) = self.own.get() {
            return Ok(Arc::clone(own));
        }
        let frozen = self.frozen.upgrade().ok_or_else(|| gone("container"))?;
        let request = match &self.request {
            None => None,
            Some(request) => Some(request.upgrade().ok_or_else(|| gone("request"))?),
        };
        let mut resolver = Resolver::new(&frozen, request.as_ref(), None);
        // In a task of its own that a constructor may wait for, the owner is the only trace of that constructor.
        if resolver.current_frame().is_none() {
            resolver.frame = self.owner.as_ref().filter(|owner| owner.is_live());
        }
        let key = Self::KEY.named(self.name);
        match resolver.find_owned(key).await? {
            Some((component, true)) => Ok(Arc::clone(self.own.get_or_init(|| component))),
            Some((component, false)) => Ok(component),
            None => Err(missing(&resolver, key)),
        }
    }
}

fn gone(what: &str) -> Error {
    Error::new(ErrorKind::Unavailable, format!("a component is wanted from a {what} that is gone"))
}

impl<T: ?Sized + Send + Sync + 'static> FromContainer for Lazy<T> {
    const KEY: TypeKey = TypeKey::of::<T>();
    const MODE: WantMode = WantMode::Lazy;

    async fn from_container(resolver: &Resolver<'_>, name: Option<&'static str>) -> Result<Self> {
        Ok(Self {
            name,
            own: OnceLock::new(),
            frozen: Arc::downgrade(resolver.frozen),
            request: resolver.request.map(Arc::downgrade),
            owner: resolver.frame.map(Arc::clone),
        })
    }
}

impl<T: ?Sized> fmt::Debug for Lazy<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Lazy").field("name", &self.name).finish_non_exhaustive()
    }
}
