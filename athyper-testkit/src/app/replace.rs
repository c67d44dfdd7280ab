//! Putting fakes in the place of components.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use athyper::container::{Accepts, Container};

/// Puts a fake in a component's place: `app.replace::<dyn Mailer>().with(RecordingMailer::default())`.
#[must_use = "nothing is replaced until a fake is given"]
pub struct Replace<'a, T: ?Sized> {
    container: &'a Container,
    name: Option<&'static str>,
    component: PhantomData<fn() -> Arc<T>>,
}

impl<T: ?Sized> fmt::Debug for Replace<'_, T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Replace").field("component", &std::any::type_name::<T>()).finish_non_exhaustive()
    }
}

impl<'a, T: ?Sized + Send + Sync + 'static> Replace<'a, T> {
    pub(super) fn new(container: &'a Container) -> Self {
        Self { container, name: None, component: PhantomData }
    }

    /// The component of this name.
    pub fn named(mut self, name: &'static str) -> Self {
        self.name = Some(name);
        self
    }

    /// Puts `fake` there and gives it back, so that the test can ask it what happened.
    ///
    /// # Panics
    /// When the component was wanted before, or nothing provides or wants one.
    #[track_caller]
    pub fn with<V: 'static>(self, fake: V) -> Arc<V>
    where
        T: Accepts<V>,
    {
        let fake = Arc::new(fake);
        self.with_shared(T::accept(Arc::clone(&fake)));
        fake
    }

    /// Puts an `Arc<dyn Trait>` there, for traits without `#[port]`.
    ///
    /// # Panics
    /// As [`with`](Self::with).
    #[track_caller]
    pub fn with_shared(self, fake: Arc<T>) {
        let replaced = match self.name {
            Some(name) => self.container.override_named(name, fake),
            None => self.container.override_with(fake),
        };
        if let Err(error) = replaced {
            panic!("{}", error.report());
        }
    }
}
