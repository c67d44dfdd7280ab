//! A product under test: the real kernel on embedded stores, in virtual time.

mod clock;
mod driver;
mod jobs;
mod replace;

pub use clock::TestClock;
pub use jobs::TestJobs;
pub use replace::Replace;

use std::future::Future;
use std::sync::Arc;

use athyper::config::Profile;
use athyper::container::{Container, FromContainer};
use athyper::kernel::{Assembly, Kernel, KernelBuilder};
use athyper::problem::Problems;
use http::Method;

use self::driver::Driver;
use crate::clock::VirtualClock;
use crate::http::{SocketClient, TestRequest, Transport};

/// A product under test: its real kernel with every part in one process, on embedded stores that vanish with it, in virtual
/// time that only the test moves.
///
/// Nothing runs by itself: [`jobs().run_until_idle()`](TestJobs::run_until_idle) runs jobs, and
/// [`clock().advance(…)`](TestClock::advance) fires schedules and runs what becomes due on the way. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct TestApp {
    driver: Arc<Driver>,
}

impl TestApp {
    /// Builds and assembles a product for a test.
    ///
    /// # Errors
    /// What is wrong with the product.
    pub async fn start(product: fn(KernelBuilder) -> KernelBuilder) -> Result<Self, Problems> {
        let clock = VirtualClock::new();
        let kernel = under_test(product).clock(clock.clone()).build()?;
        let assembly = kernel.assemble().await?;
        Ok(Self { driver: Arc::new(Driver::new(assembly, clock)) })
    }

    /// Time, which only the test moves.
    #[must_use]
    pub fn clock(&self) -> TestClock {
        TestClock::new(Arc::clone(&self.driver))
    }

    /// The product's jobs.
    #[must_use]
    pub fn jobs(&self) -> TestJobs {
        TestJobs::new(Arc::clone(&self.driver))
    }

    /// Puts a fake in a component's place, before anything wants it.
    pub fn replace<T: ?Sized + Send + Sync + 'static>(&self) -> Replace<'_, T> {
        Replace::new(self.container())
    }

    /// The components.
    #[must_use]
    pub fn container(&self) -> &Container {
        self.assembly().container()
    }

    /// A component.
    ///
    /// # Panics
    /// When it cannot be built; the message says why.
    pub async fn resolve<F: FromContainer>(&self) -> F {
        match self.container().resolve().await {
            Ok(component) => component,
            Err(error) => panic!("{}", error.report()),
        }
    }

    /// The parts of the kernel, for what this type has no method for.
    #[must_use]
    pub fn assembly(&self) -> &Assembly {
        &self.driver.assembly
    }

    /// A request of any method to the product, without a socket.
    pub fn request(&self, method: Method, path: &str) -> TestRequest {
        TestRequest::new(Transport::Service(self.assembly().http().clone()), method, path)
    }

    /// A `GET` request, without a socket.
    pub fn get(&self, path: &str) -> TestRequest {
        self.request(Method::GET, path)
    }

    /// A `POST` request, without a socket.
    pub fn post(&self, path: &str) -> TestRequest {
        self.request(Method::POST, path)
    }

    /// A `PUT` request, without a socket.
    pub fn put(&self, path: &str) -> TestRequest {
        self.request(Method::PUT, path)
    }

    /// A `PATCH` request, without a socket.
    pub fn patch(&self, path: &str) -> TestRequest {
        self.request(Method::PATCH, path)
    }

    /// A `DELETE` request, without a socket.
    pub fn delete(&self, path: &str) -> TestRequest {
        self.request(Method::DELETE, path)
    }

    /// Serves the product on a free port of the loopback address for as long as the returned client, or a clone of it, is kept.
    ///
    /// # Panics
    /// When no port can be had.
    pub async fn serve(&self) -> SocketClient {
        SocketClient::serve(self.assembly().http().clone()).await
    }

    /// Closes components and stores.
    ///
    /// # Panics
    /// When a component does not close cleanly.
    pub async fn stop(self) {
        let report = self.driver.assembly.close().await;
        assert!(report.is_clean(), "the product did not stop cleanly: {report:?}");
    }
}

fn under_test(product: fn(KernelBuilder) -> KernelBuilder) -> KernelBuilder {
    product(Kernel::builder()).profile(Profile::Test).mode(athyper::config::Modes::ALL)
}

/// Checks a product without starting it: configuration, object graph, jobs and schedules, for every mode at once.
///
/// ```no_run
/// # use athyper::kernel::KernelBuilder;
/// # fn app(kernel: KernelBuilder) -> KernelBuilder { kernel }
/// athyper_testkit::check_graph(app).unwrap();
/// ```
///
/// # Errors
/// Every problem found.
pub fn check_graph(product: fn(KernelBuilder) -> KernelBuilder) -> Result<(), Problems> {
    under_test(product).build().map(drop)
}

/// What `#[athyper_testkit::test]` runs.
#[doc(hidden)]
pub fn run_test<F, Fut>(product: fn(KernelBuilder) -> KernelBuilder, test: F) -> Fut::Output
where
    F: FnOnce(TestApp) -> Fut,
    Fut: Future,
{
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("the system gives a test its threads").block_on(async {
        let app = match TestApp::start(product).await {
            Ok(app) => app,
            Err(problems) => panic!("{problems}"),
        };
        let output = test(app.clone()).await;
        app.stop().await;
        output
    })
}
