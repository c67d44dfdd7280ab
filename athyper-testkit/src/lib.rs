//! Tests for athyper products and adapters.

pub mod clock;
pub mod conformance;
pub mod http;
pub mod services;

mod app;

#[doc(hidden)]
pub use app::run_test;
/// Makes an `async fn` that takes a [`TestApp`] a test of a product.
///
/// ```no_run
/// # mod my_product {
/// #     pub fn app(kernel: athyper::kernel::KernelBuilder) -> athyper::kernel::KernelBuilder { kernel }
/// # }
/// use athyper_testkit::TestApp;
///
/// #[athyper_testkit::test(my_product::app)]
/// async fn nobody_has_signed_up(app: TestApp) {
///     app.get("/users").await.assert_status(404);
/// }
/// ```
pub use athyper_macros::test;

pub use app::{Replace, TestApp, TestClock, TestJobs, check_graph};
