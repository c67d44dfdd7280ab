//! What the kernel itself provides to the container.

use std::sync::{Arc, OnceLock};

use crate::foundation::clock::Clock;
use crate::foundation::error::{Error, Result};
use crate::foundation::jobs::JobQueue;
use crate::foundation::metrics::MetricsRegistry;
use crate::foundation::sql::Db;
use crate::runtime::container::{ContainerBuilder, Provide};
use crate::runtime::http::{HealthRegistry, Readiness};
use crate::runtime::jobs::Jobs;

/// What exists only once the stores are open.
#[derive(Debug)]
pub(super) struct Cells {
    pub(super) database: Option<Db>,
    pub(super) jobs: Arc<Jobs>,
}

fn opened(cells: &OnceLock<Cells>) -> Result<&Cells> {
    cells.get().ok_or_else(|| Error::internal("a store was wanted before the kernel opened its stores"))
}

fn no_database() -> Error {
    Error::configuration(
        "there is no database: nobody said where it is, and no component, handler or migration of the product wants one; set \
         DATABASE_URL, or inject `Arc<Db>` where it is used",
    )
    .with_code("no-database")
}

/// Makes clock, database, jobs, metrics and health known to the container.
pub(super) fn add_to(
    container: &mut ContainerBuilder,
    cells: &Arc<OnceLock<Cells>>,
    clock: &Arc<dyn Clock>,
    metrics: &MetricsRegistry,
) {
    container.provide_dyn::<dyn Clock>(Arc::clone(clock));
    container.provide(metrics.clone());
    container.provide(HealthRegistry::new(Arc::clone(clock)));
    container.provide(Readiness::new());
    let database = Arc::clone(cells);
    container.add(
        Provide::<Db>::factory(move |_| {
            let cells = Arc::clone(&database);
            Box::pin(async move { opened(&cells)?.database.clone().map(Arc::new).ok_or_else(no_database) })
        })
        .labelled("the kernel's database"),
    );
    let jobs = Arc::clone(cells);
    container.add(
        Provide::<Jobs>::factory(move |_| {
            let cells = Arc::clone(&jobs);
            Box::pin(async move { Ok(Arc::clone(&opened(&cells)?.jobs)) })
        })
        .labelled("the kernel's job client"),
    );
    let queue = Arc::clone(cells);
    container.add(
        Provide::<dyn JobQueue>::factory(move |_| {
            let cells = Arc::clone(&queue);
            Box::pin(async move { Ok(Arc::clone(opened(&cells)?.jobs.queue())) })
        })
        .labelled("the kernel's job queue"),
    );
}
