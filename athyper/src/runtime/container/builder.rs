//! Collecting what is provided, until the container is frozen.

use std::sync::Arc;

use super::{Component, Container, Provide, Provider};
use crate::foundation::container::{Graph, GraphRoot, Reach, Scope};
use crate::foundation::context::Context;
use crate::foundation::problem::Problems;

/// Collects what is provided and what is wanted from outside, checks the whole graph, and freezes it into a [`Container`].
///
/// ```
/// use athyper::container::{ContainerBuilder, Reach};
///
/// let mut builder = ContainerBuilder::new();
/// builder.provide(42_u16);
/// let container = builder.build(Reach::Everything)?;
/// assert_eq!(container.get::<u16>().map(|port| **port), Some(42));
/// # Ok::<(), athyper::problem::Problems>(())
/// ```
#[derive(Debug)]
pub struct ContainerBuilder {
    providers: Vec<Provider>,
    roots: Vec<GraphRoot>,
}

impl Default for ContainerBuilder {
    fn default() -> Self {
        Self::new()
    }
}

impl ContainerBuilder {
    /// A builder that provides nothing but the [`Context`] of the request.
    #[must_use]
    pub fn new() -> Self {
        let context = Provide::factory(|resolver| Box::pin(async move { resolver.context().cloned().map(Arc::new) }))
            .scope(Scope::Request)
            .labelled("the context of the request");
        let context: Provide<Context> = context;
        Self { providers: vec![context.into()], roots: Vec::new() }
    }

    /// Adds a provider: a [`ComponentDescriptor`](super::ComponentDescriptor) or a [`Provide`].
    pub fn add(&mut self, provider: impl Into<Provider>) -> &mut Self {
        self.providers.push(provider.into());
        self
    }

    /// Adds a struct under `#[inject]`.
    pub fn component<C: Component>(&mut self) -> &mut Self {
        self.add(C::DESCRIPTOR)
    }

    /// Adds a value.
    #[track_caller]
    pub fn provide<T: Send + Sync + 'static>(&mut self, value: T) -> &mut Self {
        self.add(Provide::value(value))
    }

    /// Adds a value that is shared with others or is a `dyn Trait`.
    #[track_caller]
    pub fn provide_dyn<T: ?Sized + Send + Sync + 'static>(&mut self, value: Arc<T>) -> &mut Self {
        self.add(Provide::shared(value))
    }

    /// Adds something that wants components: a job, a schedule, a hook.
    pub fn root(&mut self, root: GraphRoot) -> &mut Self {
        self.roots.push(root);
        self
    }

    /// The graph as it stands.
    #[must_use]
    pub fn graph(&self) -> Graph {
        Graph::new(self.providers.iter().map(Provider::node).collect(), self.roots.clone())
    }

    /// Checks the graph and freezes it. No constructor runs.
    ///
    /// # Errors
    /// Everything that is wrong with the part of the graph that is reached.
    pub fn build(self, reach: Reach) -> Result<Container, Problems> {
        let graph = self.graph();
        let problems = graph.check(reach);
        if problems.is_empty() { Ok(Container::freeze(self.providers, graph)) } else { Err(problems) }
    }
}
