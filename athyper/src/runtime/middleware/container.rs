//! Components for the handlers.

use std::sync::Arc;

use axum::extract::Request;

use super::exchange::Exchange;
use super::filter::{Filter, Flow, single_filter_layers};
use crate::runtime::container::Container;

#[derive(Debug)]
struct ContainerFilter {
    container: Container,
}

impl Filter for ContainerFilter {
    fn before(&self, _request: &mut Request, exchange: &mut Exchange) -> Flow {
        exchange.record.set_container(self.container.clone());
        Flow::Continue
    }
}

/// Gives the handlers further in a container, for [`Inject`](crate::http::Inject). A kernel does it by itself; on a bare router it
/// is this layer.
///
/// The request's scope is opened when something wants a component of it, and closed when the request is over.
#[derive(Debug, Clone)]
pub struct ContainerLayer(Arc<ContainerFilter>);

impl ContainerLayer {
    /// Gives them `container`.
    #[must_use]
    pub fn new(container: Container) -> Self {
        Self(Arc::new(ContainerFilter { container }))
    }

    pub(crate) fn filter(&self) -> Arc<dyn Filter> {
        self.0.clone()
    }
}

single_filter_layers!(ContainerLayer);
